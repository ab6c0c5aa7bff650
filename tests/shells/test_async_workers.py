"""The asyncio workers: as many tasks as may be, and beside them those whose call was given up."""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from types import SimpleNamespace
from typing import Any

from respool._async_workers import GIVEN_UP, AsyncWorkers
from tests.shells.loops import run, turns, until


class Stubborn:
    """One worker, whose calls end when they are told to, and whom no cancellation ends."""

    def __init__(self) -> None:
        self.workers = AsyncWorkers("workers", 1, copy_context(), self.carry_out, lambda loop: None)
        self.begun: list[int] = []
        self.let_go: set[int] = set()
        self.told: list[object] = []

    def submit(self, number: int) -> None:
        """Give it a command for the slot of this number."""
        command: Any = SimpleNamespace(slot=SimpleNamespace(number=number))
        self.workers.submit(command, asyncio.get_running_loop())

    async def carry_out(self, command: Any) -> None:
        """Stay with a command."""
        self.begun.append(command.slot.number)
        while command.slot.number not in self.let_go:
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError as exc:
                self.told += exc.args


def test_a_worker_carries_out_one_command_after_the_other_and_rests_in_between() -> None:
    async def main() -> None:
        one = Stubborn()
        one.submit(1)
        one.submit(2)
        await turns()
        assert [1] == one.begun
        one.let_go = {1, 2, 3}
        await until(lambda: not one.workers.tasks)
        one.submit(3)
        await until(lambda: not one.workers.tasks)
        assert [1, 2, 3] == one.begun

    run(main)


def test_a_task_whose_call_was_given_up_makes_room_for_another_and_takes_no_more() -> None:
    async def main() -> None:
        one = Stubborn()
        one.submit(1)
        await turns()
        one.workers.end(1)
        await turns()
        assert [GIVEN_UP] == one.told
        for number in (2, 3):
            one.submit(number)
        await turns()
        one.let_go = {1}
        await until(lambda: len(one.workers.tasks) == 1)
        assert [1, 2] == one.begun
        one.let_go = {2, 3}
        await until(lambda: not one.workers.tasks)
        assert [1, 2, 3] == one.begun

    run(main)
