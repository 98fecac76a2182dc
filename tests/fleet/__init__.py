"""The fleet as it is deployed: its files held to the code, and its roles as processes behind the real proxy."""
