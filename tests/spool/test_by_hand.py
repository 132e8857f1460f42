"""What an operator moves between the directories by mv is an event where it arrives, and
what can be none is told."""

import json
import time

import pytest

from consuming import STATES
from looking import event, site  # noqa: F401
from test_check import OK, WARNING, check

NOTE = 'echo "$RINGSPOOL_UUID $RINGSPOOL_ATTEMPT" >> "$NOTES"'
FIELDS = {"failed": ".3.exit-1", "retry": f".2.{int(time.time()) + 3600}", "held": ".c2",
          "work": ".1"}


def day(directory):
    """Where a state's files are."""
    return f"done/{time.strftime('%Y-%m-%d', time.gmtime())}" if directory == "done" else directory


def by_hand(place, uuid, name_of, directory):
    """An event under another directory's name, moved by mv; its NAME."""
    name = place.deliver(uuid)
    target = place.spool / day(directory)
    target.mkdir(parents=True, exist_ok=True)
    (place.spool / "new" / f"{name}.json").rename(target / f"{name}{FIELDS[name_of]}.json")
    return name


@pytest.mark.parametrize("name_of", FIELDS)
@pytest.mark.parametrize("words", [[], ["--serial-by", "owner"]])
def test_it_waits_again_in_new(place, name_of, words):
    name = by_hand(place, "u1", name_of, "new")
    assert name in place.tool("list")
    place.run(*words, script=NOTE)
    assert place.noted() == [["u1", "1"]] and place.counts() == {}


@pytest.mark.parametrize("name_of, attempt", [("failed", "1"), ("held", "1"), ("work", "2")])
def test_it_is_due_in_retry(place, name_of, attempt):
    """What had failed for good begins anew."""
    by_hand(place, "u1", name_of, "retry")
    place.run(script=NOTE)
    assert place.noted() == [["u1", attempt]] and place.counts() == {}


@pytest.mark.parametrize("name_of", FIELDS)
def test_in_work_it_was_interrupted(place, name_of):
    by_hand(place, "u1", name_of, "work")
    place.run(script=NOTE)
    assert [uuid for uuid, _ in place.noted()] == ["u1"] and place.counts() == {}


@pytest.mark.parametrize("name_of", FIELDS)
@pytest.mark.parametrize("words, origin, target", [
    (["hold"], "waiting", "held"), (["hold"], "retrying", "held"),
    (["release"], "held", "waiting"), (["retry"], "failed", "retrying"),
    (["replay"], "failed", "waiting"), (["replay"], "done", "waiting"),
    (["replay"], "bad", "waiting"), (["delete", "--yes"], "waiting", None),
    (["prune", "--yes", "--older-than", "0", "--state", "held"], "held", None)])
def test_subcommands_find_it_and_give_it_its_ordinary_name(place, name_of, words, origin, target):
    name = by_hand(place, "u1", name_of, STATES[origin])
    assert json.loads(place.tool("list", "--json", "--state", origin))["name"] == name
    assert place.tool("raw", name)
    if words[0] == "prune":
        time.sleep(1.1)     # older than 0 s is what is in its state since the last second
    assert " 1 event" in place.tool(*words, name)
    assert place.counts() == ({target: 1} if target else {})
    if target in ("waiting", "held"):
        assert place.files(target) == {f"{name}.json"}


def test_two_of_one_name_are_both_kept_and_run_one_after_the_other(place):
    """The second was taken anew after the first failed, and the first is moved to it."""
    name = by_hand(place, "u1", "failed", "new")
    file = place.spool / "new" / f"{name}{FIELDS['failed']}.json"
    (place.spool / "new" / f"{name}.json").write_bytes(file.read_bytes())
    place.run("-j", 2, script='mkdir "$NOTES.lock" && ' + NOTE +
              '; sleep 0.2; rmdir "$NOTES.lock"')
    assert place.noted() == [["u1", "1"]] * 2 and place.counts() == {}


@pytest.mark.parametrize("path", [
    "new/u1.json~", "new/no-suffix", "retry/u1.x.json", "done/u1.json", "held/directory"])
def test_what_can_be_no_event_is_told(site, path):
    """One example, and how many."""
    site.put(event())
    strange = site.spool / path
    strange.parent.mkdir(exist_ok=True)
    if strange.name == "directory":
        strange.mkdir()
    else:
        strange.write_bytes(event())
    text, _ = check(site, status=WARNING)
    assert f"1 file in the spool cannot be an event, such as {strange}" in text
    assert f"1, such as {strange}\n" in site.text("stats")
    assert json.loads(site.text("stats", "--json"))["strange"] == 1
    assert "\nringspool_spool_strange 1\n" in site.text("stats", "--prometheus")
    report = site.text("report")
    assert "1 file in the spool cannot be an event" in report and strange.name not in report
    (site.spool / "new" / "a|b").touch()
    text, _ = check(site, status=WARNING)
    assert "2 files in the spool cannot be events" in text


def test_hidden_files_and_other_directories_are_not_told(site):
    site.put(event())
    site.tool("run", "--serial-by", "owner", "--", "true")      # makes work/.serial
    (site.spool / "new" / ".hidden").touch()
    (site.spool / "taken").mkdir()
    (site.spool / "taken" / "x").touch()
    check(site, status=OK)
    assert json.loads(site.text("stats", "--json"))["strange"] == 0
    assert "such as" not in site.text("stats")
