"""What the description cannot tell schemathesis."""

import itertools
import json
import re

import schemathesis

# Why good-looking requests are refused: for what the description says in words, because no schema can.
IN_WORDS = re.compile(
    "|".join(
        [
            # A made-up token or cursor has the form of one.
            "this is not a position|this is not a cursor|this is not the place of an event of the room",
            # Fields and parameters that go together, or do not.
            "exclude each other|a stream follows anyway|only those who have joined have a role|only a ban has an end",
            "not smaller than from|a direct room is one of two people|empty only where there are attachments",
            # A number in a pattern.
            "this is a seq, or 0 for the beginning",
            # Schemas count characters.
            "at most [0-9]+ bytes",
            # Times may be of a year that UTC has no longer.
            "the time is (over|after the year 9999)|this is a time after 1970",
            # Numbers have a value there, and are written 1.0 as well as 1.
            r"a JSON number [0-9]+\.0 cannot stand here",
            # Text that no store takes, as a key of an open object too.
            r"U\+0000 cannot be stored|bytes of text",
            # The rules of a room do not go back.
            "the command asks for something that cannot be",
        ]
    )
)

STREAM = "text/html, text/event-stream;q=0.1"
ACCEPTS = itertools.cycle(
    [
        "*/*",
        "application/json",
        "application/xml",
        STREAM,
        "text/event-stream;q=0",
        "application/*;q=0.5, ,;=",
        "x" * 2000,
        "",
    ]
)
KEY = "7c9e6679-7425-40de-944b-e07fc1f90ae7"  # the description's example
SERIAL = itertools.count()
DOOMED = itertools.cycle(f"doomed-{i}" for i in range(50))

with open("rooms.dict", encoding="utf-8") as f:
    ROOMS = {json.loads(line) for line in f}


@schemathesis.hook
def before_call(context, case, kwargs):
    raw = case.operation.definition.raw
    case.headers["Accept"] = accept = next(ACCEPTS)
    if "events" in raw.get("tags", []) and accept == STREAM:
        kwargs["timeout"] = 5  # a stream has no end
    if case.headers.get("Idempotency-Key") == KEY:  # of what has been sent under it already
        case.headers["Idempotency-Key"] = f"{KEY}-{next(SERIAL) // 2}"
    if case.headers.get("If-Match") == "0" and next(SERIAL) % 8:  # it hides what else is wrong
        del case.headers["If-Match"]
    wait = case.query.get("wait")
    if isinstance(wait, int) and 1 < wait <= 30:
        case.query["wait"] = 1  # a long poll that finds nothing shows no more in 30 seconds
    if raw.get("operationId") == "deleteRoom" and case.path_parameters.get("room") in ROOMS:
        case.path_parameters["room"] = next(DOOMED)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    if response is not None and response.status_code == 431:  # a URL of so many KiB comes to no operation
        return False
    if failure.code == "ST202":  # a good request was rejected
        return not IN_WORDS.search(detail(response))
    # OpenAPI 3.1 describes a stream as one string, schemathesis holds each event of it against that.
    return failure.code != "ST108"


def detail(response):
    try:
        return str(json.loads(response.content)["detail"])
    except (ValueError, KeyError, TypeError):
        return ""
