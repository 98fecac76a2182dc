from tests.stage import Stage


async def test_x(stage: Stage) -> None:
    await stage.post("a")
    assert await stage.window() == ["a"]
