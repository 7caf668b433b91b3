"""The connector ends, as by kill -9, at fault points that no scene with good nodes passes (tests/integration/kill has all others). It
keeps nothing, so the next one, asked the same, says what the first would have said."""

import os
import sys
import unittest
from unittest import mock

from relay import (ACCOUNT, ASK_AGAIN, ASK_HEADER, ASK_RESULT, ASK_STATUS, CANNOT, FAULT_EXIT, FAULTS, NOTICE, PATIENCE, PROGRAM, RESULT,
                   STATUS, SUBSCRIBE, UNKNOWN, UNSUBSCRIBE, Closed, Watch, lane_message, message_records)

from case import Case
from model import MESSAGE, log_id


class Points(Case):
    def ends(self, point, play, asked, **options):
        """The first one ends there, with or without an answer; the one after it answers."""
        with self.subTest(point):
            with mock.patch.dict(os.environ, {"ISTHMUS_FAULT": f"{point}:1"}):
                first = self.connector()
            try:
                first.configured(play.chain, self.options(play, **options))
                asked(first)
                first.listen(PATIENCE)
            except (Closed, ConnectionError):
                pass
            self.assertEqual(first.process.wait(timeout=PATIENCE), FAULT_EXIT)
            asked(self.started(play, **options))

    def test_at_questions_of_the_relay(self):
        play = self.play()
        lane, _ = play.opened()
        self.sent(play, lane, 2)
        self.mine(play, 3)

        def unsubscribed(connector):
            connector.say(SUBSCRIBE, 1, MESSAGE, log_id(lane, MESSAGE), lane_message(play, lane), 1, log_id(lane, MESSAGE), 0, 0)
            connector.say(UNSUBSCRIBE, 1)
            connector.say(ASK_STATUS)
            connector.wait_for(STATUS)

        def again(connector):
            watch = Watch(connector, 1, MESSAGE, lane_message(play, lane), log_id(lane, MESSAGE))
            watch.until(2, message_records)
            connector.say(ASK_AGAIN, 1, 1, log_id(lane, MESSAGE), 0)
            watch.next, watch.proven, watch.records = 1, 0, []
            watch.until(2, message_records)
            self.assertEqual(watch.records, play.records(lane))

        def result(connector):
            connector.say(ASK_RESULT, b"k" * 32)
            self.assertEqual(connector.wait_for(RESULT)[1:3], [b"k" * 32, UNKNOWN])

        for point, asked in (("connector-takes-unsubscribe-before", unsubscribed), ("connector-takes-unsubscribe-after", unsubscribed),
                             ("connector-takes-ask-again-before", again), ("connector-takes-ask-again-after", again),
                             ("connector-takes-ask-result-before", result), ("connector-takes-ask-result-after", result)):
            self.ends(point, play, asked)

    def test_at_what_it_says(self):
        play = self.play()
        self.ends("connector-gives-cannot-before", play, lambda connector: (connector.say(ASK_HEADER, 1 << 40),
                                                                            connector.wait_for(CANNOT)))
        gas = {**self.gas_account(play, wei=10), "low_balance": 500}
        self.ends("connector-gives-account-before", play, lambda connector: connector.wait_for(ACCOUNT), **gas)
        self.ends("connector-gives-notice-before", play, lambda connector: connector.wait_for(NOTICE), **gas)


if __name__ == "__main__":
    if FAULTS not in PROGRAM.read_bytes():
        print(f"skipped: {PROGRAM} was built without fault points (cmake --preset dev has them)")
        sys.exit(77)
    unittest.main()
