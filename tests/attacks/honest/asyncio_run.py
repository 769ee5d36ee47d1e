import asyncio


async def main():
    a, b = map(int, input().split())
    await asyncio.sleep(0.01)
    print(await asyncio.wait_for(asyncio.to_thread(lambda: a + b), 5))


asyncio.run(main())
