#!/usr/bin/env python3
"""Goal: the benchmark computes what it says that it computes."""

import collections
import os
import sys
import unittest
import xml.dom.minidom

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import chart
import figures
import workloads

M = collections.namedtuple("M", "cpu")


def costs(*values):
    return [M(v) for v in values]


class Figures(unittest.TestCase):
    def test_ratios_are_paired_by_round(self):
        # The machine was slow in the second round, for both.
        self.assertEqual(figures.ratios([2, 8, 3], [1, 4, 2]), (2, 1.5, 2))
        with self.assertRaises(ValueError):
            figures.ratios([1, 2], [1])

    def test_best_peer_has_the_smallest_median(self):
        found = {"a": costs(1, 9, 9), "b": costs(5, 5, 5), "tined": costs(1, 1, 1)}
        self.assertEqual(figures.best_of(found, ["a", "b", "c"]), "b")
        self.assertIsNone(figures.best_of(found, ["c"]))

    def test_goals(self):
        w = workloads.WORKLOADS["small"]
        found = {"ceiling": costs(10, 10), "tined": costs(10, 11), "nginx": costs(20, 21)}
        to_ceiling, to_peer = figures.goals_of(w, found, ["nginx"])
        self.assertEqual((to_ceiling.limit, to_ceiling.value.median), (1.05, 1.05))
        self.assertEqual((to_peer.limit, to_peer.base), (1.0, "nginx"))
        self.assertTrue(figures.is_met(to_ceiling))
        self.assertFalse(figures.is_met(to_ceiling._replace(limit=1.04)))

    def test_goals_of_what_was_not_measured(self):
        self.assertEqual(figures.goals_of(workloads.WORKLOADS["1m"], {"tined": costs(1)}, []), [])

    def test_exceeded(self):
        self.assertEqual(figures.exceeded({"a": 1.26, "b": 1.25}, {"a": 1, "b": 1}, 1.25), ["a"])


class Requests(unittest.TestCase):
    def test_browser_sends_twelve_fields(self):
        request = workloads.requests(workloads.WORKLOADS["small"], "browser", None)
        self.assertEqual(request.count(b"\r\n"), 1 + 12 + 1)

    def test_random_files_are_all_asked_for(self):
        request = workloads.requests(workloads.WORKLOADS["random"], "minimal", None)
        self.assertEqual(len(set(request.split(b"\r\n\r\n"))), workloads.tree.MANY + 1)


class Charts(unittest.TestCase):
    def test_axis_begins_at_nothing_and_holds_all(self):
        picture = chart.svg(chart.Chart("T & t", "unit", ["a", "b"],
                                        [("row", {"a": 1.0, "b": 3.3})], {"row": 1.05}))
        document = xml.dom.minidom.parseString(picture)
        texts = [t.firstChild.data for t in document.getElementsByTagName("text")]
        for expected in ("T & t", "0", "3.5", "3.30", "row"):
            self.assertIn(expected, texts)


unittest.main()
