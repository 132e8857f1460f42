"""The promise: a subscription never dies unnoticed, whatever the platform says of it."""

import json

from place import CREATE, LIST, SUBSCRIPTIONS, one


def show_list(place, records, **more):
    """What the platform answers to the next list."""
    place.platform.fault("body", method="GET", path=SUBSCRIPTIONS,
                         text=json.dumps({"records": records, **more}))


# What a list says

def test_a_record_that_is_listed_twice_is_not_a_duplicate(place):
    place.well()
    record = place.ours()
    place.calls()
    show_list(place, [record, record])
    place.well()
    assert place.calls() == [LIST]
    assert place.ours()["id"] == record["id"]


def test_a_list_that_lacks_ours_is_not_believed(place, other_hook):
    place.well()
    record = place.ours()
    for change in ({}, {"address": other_hook.address}):
        place.declare(**change)
        for arguments in ((), ("--dry-run",), ("create",)):
            place.calls()
            show_list(place, [])
            result = place.run(*arguments)
            assert result.status == 76 and record["id"] in result.err, result
            assert place.calls() == [LIST, ("GET", one(record))]
            assert place.learnt()["subscriptions"][0]["id"] == record["id"]
    place.run()                         # now the change of the address is carried out
    assert [one["id"] for one in place.present()] != [record["id"]]
    assert len(place.present()) == 1


def test_what_is_gone_is_asked_for_and_then_created(place):
    place.well()
    record = place.ours()
    place.platform.advance(8 * 86400)
    place.calls()
    assert place.run().status == 0
    assert place.calls()[-3:] == [LIST, ("GET", one(record)), CREATE]


def test_a_page_of_a_list_is_not_the_list(place):
    place.well()
    record = place.ours()
    for more in ({"navigation": {"nextPage": {"uri": "x"}}}, {"paging": {"totalPages": 2}},
                 {"paging": {"page": 2}}, {"paging": {"totalElements": 2}}):
        show_list(place, [record], **more)
        assert place.run().status == 76
    show_list(place, [record], navigation={"firstPage": {"uri": "x"}, "nextPage": None},
              paging={"page": 1, "totalPages": 1, "totalElements": 1, "perPage": 100})
    place.well()


def test_a_dry_run_learns_nothing(place):
    place.well()
    before = place.learnt()["subscriptions"]
    place.platform.remove_subscription(place.ours()["id"])
    place.run("--dry-run")
    assert place.learnt()["subscriptions"] == before
