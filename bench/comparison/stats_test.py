#!/usr/bin/env python3
"""Tests of stats.py."""
import math
import unittest

import stats


class StatsTest(unittest.TestCase):
    def test_front_drops_what_is_beaten(self):
        self.assertEqual(stats.front([(0.9, 10), (0.8, 9), (0.95, 5), (0.94, 5)]),
                         [(0.9, 10), (0.95, 5)])

    def test_speed_between_points_is_log_linear(self):
        points = [(0.8, 1000.0), (0.9, 10.0)]
        self.assertAlmostEqual(stats.qps_at(points, 0.85), 100.0)
        self.assertEqual(stats.qps_at(points, 0.8), 1000.0)

    def test_speed_below_the_first_point_is_that_of_the_first(self):
        self.assertEqual(stats.qps_at([(0.97, 50.0)], 0.9), 50.0)

    def test_speed_beyond_the_last_point_is_none(self):
        self.assertIsNone(stats.qps_at([(0.97, 50.0)], 0.98))
        self.assertIsNone(stats.speed([(0.97, [50.0])], 0.98))
        self.assertIsNone(stats.ratio([(0.97, [50.0])], [(0.99, [1.0])], 0.98))

    def test_quantiles(self):
        self.assertEqual(stats.quantile([3, 1, 2], 0.5), 2)
        self.assertEqual(stats.quantile([1, 2], 0.25), 1.25)
        self.assertEqual(stats.quantile([7], 0.95), 7)

    def test_interval_holds_the_median_and_no_more_than_was_seen(self):
        middle, low, high = stats.speed([(0.9, [90.0, 100.0, 120.0, 95.0, 101.0])], 0.9)
        self.assertEqual(middle, 100.0)
        self.assertTrue(90 <= low <= middle <= high <= 120)
        self.assertLess(low, high)

    def test_noise_is_what_equals_were_apart(self):
        ours = [(0.9, [100.0, 100.0, 100.0]), (0.95, [50.0])]
        again = [(0.9, [100.0]), (0.95, [55.0])]
        expected = math.expm1(0.95 * math.log(1.1))
        self.assertAlmostEqual(stats.noise(ours, again), expected)
        self.assertAlmostEqual(stats.noise(again, ours), expected)

    def test_noise_is_never_called_nothing(self):
        same = [(0.9, [100.0])]
        self.assertEqual(stats.noise(same, same), stats.LEAST_NOISE)
        self.assertEqual(stats.noise([], []), stats.LEAST_NOISE)

    def test_a_difference_below_the_noise_is_none(self):
        ours, theirs = [(0.9, [104.0] * 5)], [(0.9, [100.0] * 5)]
        compared = stats.ratio(ours, theirs, 0.9)
        self.assertAlmostEqual(compared[0], 1.04)
        self.assertEqual(stats.verdict(compared, 0.05), "same")
        self.assertEqual(stats.verdict(compared, 0.03), "faster")
        self.assertEqual(stats.verdict(stats.ratio(theirs, ours, 0.9), 0.05), "same")
        self.assertEqual(stats.verdict(stats.ratio(theirs, ours, 0.9), 0.03), "slower")

    def test_a_difference_that_chance_explains_is_none(self):
        ours = [(0.9, [80.0, 200.0, 110.0, 90.0, 130.0])]
        theirs = [(0.9, [100.0, 95.0, 100.0, 170.0, 85.0])]
        self.assertEqual(stats.verdict(stats.ratio(ours, theirs, 0.9), 0.02), "same")


if __name__ == "__main__":
    unittest.main()
