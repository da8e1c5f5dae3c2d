"""The parts of the bench that only reckon, draw and print."""

import dataclasses
import math
import xml.etree.ElementTree

import plot
import ratio
import report
import rows


def pairs(*figures):
    p = ratio.Pairs("wskeep", "relay")
    for subject, peer in figures:
        p.add(subject, peer)
    return p


def test_ratio_is_of_each_pair_and_not_of_medians():
    drifting = pairs((10, 10), (20, 20), (30, 30), (40, 20), (50, 50))
    assert drifting.ratio() == 1.0
    assert drifting.ratios() == [1, 1, 1, 2, 1]


def test_spread_is_a_share_of_the_median():
    assert ratio.spread([9, 10, 12]) == 0.3
    assert ratio.spread([7, 7]) == 0
    assert ratio.spread([0, 0, 0]) == 0


def test_spread_of_ten_percent_is_quiet_and_more_is_not():
    assert pairs((95, 10), (100, 10), (105, 10)).stray() is None
    assert pairs((95, 10), (100, 10), (105.1, 10)).stray() is not None


def test_pair_that_strays_farthest_is_the_one_taken_again():
    assert pairs((10, 10), (10, 10), (10, 14), (10, 10)).stray() == 2
    assert pairs((10, 10), (7, 10), (10, 10.2)).stray() == 1, "the subject may stray as well as the peer"
    both = pairs((13, 10), (10, 10), (10, 15))
    assert both.stray() == 2, "the wider of the two decides"


def test_noise_of_both_at_once_is_noise_though_the_ratio_is_steady():
    assert pairs((10, 10), (10, 10), (15, 15)).stray() == 2


def test_pair_taken_again_takes_the_place_of_the_noisy_one():
    p = pairs((10, 10), (10, 10), (10, 20))
    p.replace(p.stray(), 10, 10)
    assert p.stray() is None
    assert p.repeated == 1
    assert len(p.taken) == 3


def test_no_ratio_is_told_when_it_was_not_quiet():
    median, lowest, bound, verdict = ratio.told(pairs(*[(10, 10)] * 4, (10, 20)), 1.1)
    assert median == "not quiet: spread 100% of relay"
    assert (lowest, bound, verdict) == ("–", "≤ 1.10", "not quiet")


def test_bound_is_judged_by_the_median_of_enough_pairs():
    for subject, count, want in ((11, 5, "holds"), (11.01, 5, "falls short"), (11, 4, "too few pairs, 5 needed")):
        assert ratio.told(pairs(*[(subject, 10)] * count), 1.1)[3] == want, (subject, count)


def test_ratio_without_a_bound_has_no_verdict():
    assert ratio.told(pairs(*[(11, 10)] * 5)) == ("1.100", "1.100 to 1.100", "–", "–")


def test_the_median_of_many_pairs_lies_between_the_ranks_of_the_sign_test():
    assert ratio.confident(range(1, 101)) == (40, 50.5, 61)  # n = 100: ranks 40 and 61
    assert ratio.confident([3, 1, 2]) == (-math.inf, 2, math.inf)  # three say nothing


def test_rows_are_unique_and_those_named_are_found_in_the_order_named():
    assert len({row.name for row in rows.ROWS}) == len(rows.ROWS)
    assert [row.name for row in rows.chosen("c,a")] == ["c", "a"]
    assert [row.name for row in rows.chosen("")] == "a b c d e f h s idle".split()
    assert rows.chosen("all") == rows.ROWS


def test_table_is_markdown_of_even_columns():
    lines = report.table(("name", "n"), [("a", "1"), ("long name", "1,000")]).splitlines()
    assert lines == ["| name      |     n |", "|-----------|------:|", "| a         |     1 |", "| long name | 1,000 |"]


PANEL = plot.Panel("Memory & more", "sessions", "KiB <1>", {
    "wskeep": [(100, 300), (1000, 1800), (9900, 16000)], "nginx": [(100, 1900), (1000, 18500), (9900, 182000)]})


def drawn(panel):
    root = xml.etree.ElementTree.fromstring(plot.chart([panel]))
    return [e for e in root.iter() if e.tag.endswith("circle")], [e.text for e in root.iter() if e.tag.endswith("text")]


def test_chart_is_well_formed_and_names_axes_and_lines():
    for panel in (PANEL, dataclasses.replace(PANEL, log_y=True)):
        circles, texts = drawn(panel)
        assert len(circles) == 6
        for words in ("Memory & more", "sessions", "KiB <1>", "wskeep", "nginx", "100", "1,000", "9,900"):
            assert words in texts


def test_every_point_lies_within_its_panel_and_higher_figures_lie_higher():
    for panel in (PANEL, dataclasses.replace(PANEL, log_y=True)):
        circles, _ = drawn(panel)
        places = [(float(c.get("cx")), float(c.get("cy"))) for c in circles]
        for x, y in places:
            assert plot.LEFT <= x <= plot.WIDTH - plot.RIGHT and plot.TOP <= y <= plot.HEIGHT - plot.BOTTOM
        heights = [y for _, y in places[:3]]
        assert heights == sorted(heights, reverse=True)


def test_x_axis_is_logarithmic():
    circles, _ = drawn(dataclasses.replace(PANEL, series={"one": [(100, 1), (1000, 1), (10000, 1)]}))
    xs = [float(c.get("cx")) for c in circles]
    assert math.isclose(xs[1] - xs[0], xs[2] - xs[1], abs_tol=0.2)


def test_names_of_lines_that_end_together_are_kept_apart():
    heights = plot.label_heights({"a": 100, "b": 101, "c": 300})
    assert heights["b"] - heights["a"] >= plot.APART
    assert heights["c"] == 300


def test_marks_reach_as_far_as_the_figures():
    assert plot.linear_marks(35) == [0, 10, 20, 30, 40]
    assert plot.linear_marks(0.63)[-1] >= 0.63
    assert plot.log_marks(18, 200000) == [10, 100, 1000, 10000, 100000, 1000000]
