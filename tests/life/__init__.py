"""The life of an item as a whole: every act, every surface, every reader, held against each other."""

import pytest

# What these modules assert should be told as if the tests did.
pytest.register_assert_rewrite("tests.life.house")
