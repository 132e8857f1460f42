"""Each system call on the state directory fails once, and from there on: no file of it is
half-written, the failure is told, and the next run finds its one subscription."""

import json

import pytest

from faults import calls, faults, injected, strace

FILES = ("state.json", "status.json", "token.json")


class Trial:
    def __init__(self, place, exists):
        self.place = place
        self.trace = place.work / "trace"
        for file in place.state.iterdir():
            file.unlink()
        for record in place.present():
            place.platform.remove_subscription(record["id"])
        for name in place.reminders():
            (place.spool / "renew" / name).unlink()
        place.platform.forget_rates()
        if exists:
            place.well()
            place.remind(place.ours()["id"])
        self.before = self.files()

    def files(self):
        return {file.name for file in self.place.state.iterdir()}

    def run_traced(self, *injections):
        names = [name + ending for name in FILES for ending in ("", ".new")] + ["lock", "lock.told"]
        paths = [self.place.state, *(self.place.state / name for name in names)]
        self.place.wrapper = strace(self.trace, injections, "-qq",
                                    *(word for path in paths for word in ("-P", path)))
        # A build with AddressSanitizer cannot look for leaks while it is traced.
        result = self.place.run(environment={"ASAN_OPTIONS": "detect_leaks=0"})
        self.place.wrapper = []
        return result, self.trace.read_text()

    def fails(self, fault):
        result, trace = self.run_traced(fault)
        try:
            assert injected(trace)
            self.files_are_whole(fault)
            if result.status:
                assert fault.text in result.err
            else:
                assert self.place.learnt()["subscriptions"][0]["id"] == self.place.ours()["id"]
                assert self.place.status()["exit_status"] == 0
            self.place.well()
            self.place.ours()
            assert self.place.reminders() == []
        except AssertionError as problem:
            return f"{fault}, {fault.call.line}: {problem!r}\n{result}\n{injected(trace)}"
        return None

    def files_are_whole(self, fault):
        assert self.files() >= self.before
        for name in self.files() & set(FILES):
            json.loads((self.place.state / name).read_text())
        if fault.call.name != "unlinkat":
            assert self.files() <= {*FILES, "lock", "lock.told"}


@pytest.mark.parametrize("exists", [False, True], ids=["creates", "renews"])
def test_any_call_on_the_state_fails(place, exists):
    result, trace = Trial(place, exists).run_traced()
    assert result.status == 0, result
    every = faults(calls(trace), 6, lambda call: True, ("ENOSPC", "EIO", "EROFS"))
    failures = [failure for fault in every if (failure := Trial(place, exists).fails(fault))]
    assert not failures, f"{len(failures)} failed:\n" + "\n".join(failures)
