"""Curves: what is read from training directories, how seeds are averaged, and what is drawn."""

import re
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from training_runs import lifelike, write_training

from evalkit.curves.intervals import t_half_width
from evalkit.curves.panels import Panel, choose_panels
from evalkit.curves.read import TOTAL_CLIP_SHARE, Series, TrainingRun, read_run
from evalkit.curves.seeds import Group, curve_of, group_runs
from evalkit.curves.smooth import moving_average
from evalkit.curves.theme import DARK, LIGHT
from evalkit.types import RunError, UsageError

VALUES = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=30)
METRIC = "actor/entropy"


def series(values: list[float], steps: list[int] | None = None) -> Series:
    return Series(np.array(steps or range(1, len(values) + 1)), np.array(values))


def training(
    values: list[float], *, steps: list[int] | None = None, seed: int = 1, **settings: Any
) -> TrainingRun:
    return TrainingRun(
        path=Path(f"run-{seed}"),
        algorithm="grpo",
        seed=seed,
        settings=settings,
        metrics={METRIC: series(values, steps)},
    )


def test_a_metric_is_read_with_the_steps_that_logged_it(tmp_path: Path) -> None:
    """A validation every other step is a series of its own."""
    lines = [{"step": 0, "v": 0.5}, {"step": 1, "e": 2}, {"step": 2, "e": 1.5, "v": 0.75}]
    run = read_run(write_training(tmp_path / "run", lines, algorithm="dapo", seed=7, lr=0.1))

    found = {
        name: list(zip(one.steps, one.values, strict=True)) for name, one in run.metrics.items()
    }
    assert found == {"v": [(0, 0.5), (2, 0.75)], "e": [(1, 2.0), (2, 1.5)]}
    assert (run.algorithm, run.seed) == ("dapo", 7)
    assert run.settings == {
        "model": "start",
        "lr": 0.1,
        "algorithm": {"name": "dapo", "clip": {"low": 0.2}},
    }


def test_a_torn_last_line_is_passed_over(tmp_path: Path) -> None:
    """A run that is being written, or was killed, is read up to its last complete step."""
    path = write_training(tmp_path / "run", [{"step": 1, "e": 2.0}])
    with (path / "metrics.jsonl").open("a") as stream:
        stream.write('{"step": 2, "e"')

    assert list(read_run(path).metrics["e"].steps) == [1]


DAMAGED = {
    "no JSON": ("{\n", "line 2 is damaged: Expecting"),
    "no object": ("[1]\n", "line 2 is damaged"),
    "no step": ('{"e": 1}\n', "line 2 is damaged: 'step'"),
    "a step that is no number": ('{"step": "2"}\n', "line 2 is damaged: the step is '2'"),
    "a negative step": ('{"step": -1}\n', "line 2 is damaged: the step is -1"),
    "a step again": ('{"step": 1}\n', "line 2 is damaged: step 1 comes after step 1"),
    "NaN": ('{"step": 2, "e": NaN}\n', "line 2 is damaged: e is nan, not a finite number"),
    "text": ('{"step": 2, "e": "1"}\n', "line 2 is damaged: e is '1', not a finite number"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_line_is_named(tmp_path: Path, case: str) -> None:
    """By file and number, with what is wrong with it."""
    text, message = DAMAGED[case]
    path = write_training(tmp_path / "run", [{"step": 1, "e": 2.0}])
    with (path / "metrics.jsonl").open("a") as stream:
        stream.write(text)

    with pytest.raises(RunError, match=re.escape(f"{path / 'metrics.jsonl'}, {message}")):
        read_run(path)


@pytest.mark.parametrize("name", ["metrics.jsonl", "train.json"])
def test_a_directory_without_its_files_is_no_training_directory(tmp_path: Path, name: str) -> None:
    """The message says what is missing."""
    path = write_training(tmp_path / "run", [{"step": 1}])
    (path / name).unlink()

    with pytest.raises(RunError, match=f"run is no training directory: it has no {name}"):
        read_run(path)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"algorithm": {"name": "grpo"}, "spec": {"seed": 1}}']
)
def test_a_damaged_train_json_is_named(tmp_path: Path, text: str) -> None:
    """JSON, but not what it should hold, is damaged too."""
    path = write_training(tmp_path / "run", [{"step": 1}])
    (path / "train.json").write_text(text)

    with pytest.raises(RunError, match=r"train\.json is damaged"):
        read_run(path)


def test_a_run_without_a_complete_step_is_refused(tmp_path: Path) -> None:
    """There is nothing to draw yet."""
    with pytest.raises(RunError, match="no complete line yet"):
        read_run(write_training(tmp_path / "run", []))


@pytest.mark.parametrize(
    ("line", "total"),
    [
        ({"actor/pg_clipfrac": 0.3, "actor/pg_clipfrac_lower": 0.1}, 0.3),
        ({"actor/pg_clipfrac_upper": 0.25, "actor/pg_clipfrac_lower": 0.125}, 0.375),
    ],
)
def test_the_share_of_clipped_tokens_has_one_meaning(
    tmp_path: Path, line: Mapping[str, float], total: float
) -> None:
    """GRPO logs it whole, and apart from that its dual clip; ASPO logs its two sides."""
    run = read_run(write_training(tmp_path / "run", [{"step": 1, **line}]))

    assert run.metrics[TOTAL_CLIP_SHARE].values == pytest.approx([total])


def test_the_interval_is_students() -> None:
    """1, 2 and 3: a standard deviation of 1, and 4.303 from the table for two degrees of freedom."""
    assert t_half_width([1.0, 2.0, 3.0]) == pytest.approx(4.3027 / 3**0.5, rel=1e-4)


def test_one_value_has_no_interval() -> None:
    """A single seed says nothing about its spread."""
    with pytest.raises(ValueError, match="at least 2 of them, got 1"):
        t_half_width([1.0])


@pytest.mark.parametrize(
    ("steps", "values", "expected"),
    [
        ([1, 2, 3], [1.0, 0.0, 0.0], [1, 0.5 / 1.5, 0.25 / 1.75]),
        ([0, 10], [1.0, 0.0], [1, 0.5**10 / (1 + 0.5**10)]),
    ],
)
def test_smoothing_forgets_by_the_step(
    steps: list[int], values: list[float], expected: list[float]
) -> None:
    """With weight 1/2 a value counts half as much one step later, and next to nothing after ten."""
    assert moving_average(series(values, steps), 0.5) == pytest.approx(expected)


@given(VALUES, st.floats(0, 0.99))
def test_smooth_values_stay_between_those_before_them(values: list[float], weight: float) -> None:
    """Each is a mean of what came before, so it never overshoots and does not start from 0."""
    smooth = moving_average(series(values), weight)

    assert np.all(smooth >= np.minimum.accumulate(values) - 1e-6)
    assert np.all(smooth <= np.maximum.accumulate(values) + 1e-6)


@given(VALUES)
def test_without_weight_nothing_is_smoothed(values: list[float]) -> None:
    """The default draws what was measured."""
    assert list(moving_average(series(values), 0.0)) == values


def test_seeds_are_averaged_where_all_have_a_value() -> None:
    """A step that one seed has not reached is left out, or the mean would jump there."""
    runs = (training([1, 2, 9], seed=1), training([3, 4], seed=2), training([5, 9], seed=3))
    curve = curve_of(Group("grpo", runs), METRIC)

    assert curve is not None
    assert list(curve.steps) == [1, 2]
    assert list(curve.mean) == [3, 5]
    assert [list(curve.least), list(curve.most)] == [[1, 2], [5, 9]]
    # The second step: 2, 4 and 9, whose variance is 13.
    half = 4.3027 * (13 / 3) ** 0.5
    assert (curve.low[1], curve.high[1]) == pytest.approx((5 - half, 5 + half), rel=1e-4)


def test_one_run_has_no_band() -> None:
    """Its interval is the curve itself."""
    curve = curve_of(Group("grpo", (training([1.0, 2.0]),)), METRIC)

    assert curve is not None
    assert list(curve.low) == list(curve.mean) == list(curve.high) == [1.0, 2.0]


@pytest.mark.parametrize("metric", ["val/sums/avg@8", METRIC])
def test_no_common_step_is_no_curve(metric: str) -> None:
    """Neither for a metric that nobody logged nor for runs that never logged it together."""
    runs = (training([1.0], steps=[1], seed=1), training([2.0], steps=[2], seed=2))

    assert curve_of(Group("grpo", runs), metric) is None


def test_runs_that_differ_in_their_seed_only_are_one_group() -> None:
    """Other settings are another curve, and the legend says which."""
    runs = [
        training([1.0], seed=1, lr=0.1, clip={"low": 0.2}),
        training([1.0], seed=2, lr=0.1, clip={"low": 0.2}),
        training([1.0], seed=1, lr=0.3, clip={"low": 0.1}),
    ]

    assert [(one.label, len(one.runs)) for one in group_runs(runs)] == [
        ("grpo (lr=0.1, clip.low=0.2)", 2),
        ("grpo (lr=0.3, clip.low=0.1)", 1),
    ]


def test_a_seed_that_ran_twice_is_not_averaged_with_itself() -> None:
    """Such runs are compared, before a change and after it, so each is a curve of its own."""
    before, after = training([1.0], seed=1), training([1.0], seed=1)

    groups = group_runs([before, after])
    assert [one.label for one in groups] == ["grpo (run-1)"] * 2
    assert [one.runs for one in groups] == [(before,), (after,)]


@pytest.fixture
def runs(tmp_path: Path) -> list[TrainingRun]:
    """Three seeds of GRPO, two of ASPO."""
    chosen = [("grpo", seed) for seed in (1, 2, 3)] + [("aspo-paper", seed) for seed in (1, 2)]
    return [
        read_run(
            write_training(
                tmp_path / f"{name}-{seed}", lifelike(name, seed), algorithm=name, seed=seed
            )
        )
        for name, seed in chosen
    ]


def test_the_usual_panels_come_in_the_usual_order(runs: list[TrainingRun]) -> None:
    """Reward first; what nobody logged makes no empty picture."""
    titles = [(one.title, one.metric) for one in choose_panels(runs)]

    assert titles[:4] == [
        ("Reward", "critic/score/mean"),
        ("Validation", "val/sums/avg@8"),
        ("Entropy", "actor/entropy"),
        ("KL from old to new policy", "actor/ppo_kl"),
    ]
    assert titles[-1] == ("Time per step", "timing_s/step")


def test_two_meanings_of_a_name_are_two_panels(runs: list[TrainingRun]) -> None:
    """pg_clipfrac_lower is GRPO's dual clip and ASPO's hard clip, which must not be compared."""
    panels = choose_panels(runs, ["actor/pg_clipfrac_lower"])

    assert {
        one.title: sorted({run.algorithm for run in runs if one.shows(run)}) for one in panels
    } == {"Clipped below, A < 0": ["aspo-paper"], "Dual clip, A < 0": ["grpo"]}


def test_metrics_are_chosen_by_name_and_pattern(runs: list[TrainingRun]) -> None:
    """In the order that was asked for."""
    panels = choose_panels(runs, ["timing_s/*", "val/*"])

    assert [(one.metric, one.unit) for one in panels] == [
        ("timing_s/step", "seconds"),
        ("val/sums/avg@8", "mean score"),
    ]


def test_a_metric_that_does_not_exist_lists_those_that_do(runs: list[TrainingRun]) -> None:
    """So that the next try is right."""
    with pytest.raises(UsageError, match=r"unknown metric 'entropy'; known: actor/entropy, .*val/"):
        choose_panels(runs, ["entropy"])


def test_metrics_that_are_all_unusual_must_be_named() -> None:
    """The message lists them."""
    odd = TrainingRun(
        path=Path("x"), algorithm="x", seed=1, settings={}, metrics={"odd/one": series([1.0])}
    )

    with pytest.raises(UsageError, match=r"none of the usual metrics was logged.*odd/one"):
        choose_panels([odd])
    assert choose_panels([odd], ["odd/*"]) == [Panel("odd/one", "one", "value")]


def test_themes_have_the_same_roles_and_no_colour_twice() -> None:
    """The page replaces colours by their roles, so a colour must have one role only."""
    assert list(LIGHT.roles()) == list(DARK.roles())
    assert len(set(LIGHT.roles().values())) == len(LIGHT.roles())


@pytest.fixture
def drawing() -> Callable[..., Any]:
    """`draw_all`, where matplotlib is installed."""
    pytest.importorskip("matplotlib")
    from evalkit.curves.plot import draw_all

    return draw_all


def test_each_group_is_a_line_of_means_with_a_band(
    drawing: Callable[..., Any], runs: list[TrainingRun]
) -> None:
    """Axes say what they show and in which unit; the legend says how many seeds."""
    groups = group_runs(runs)
    figure = drawing(groups, choose_panels(runs, [METRIC]))

    (axes,) = figure.axes
    assert (axes.get_title(loc="left"), axes.get_ylabel()) == ("Entropy", "nats per token")
    assert axes.get_xlabel() == "step"
    assert len(axes.collections) == 2
    for line, group in zip(axes.lines, groups, strict=True):
        curve = curve_of(group, METRIC)
        assert curve is not None
        assert list(line.get_ydata()) == list(curve.mean)
    (legend,) = figure.legends
    assert [one.get_text() for one in legend.get_texts()] == [
        "grpo, 3 seeds",
        "aspo-paper, 2 seeds",
    ]
    assert "95 % t-intervals" in legend.get_title().get_text()


def test_a_panel_draws_only_what_has_its_meaning(
    drawing: Callable[..., Any], runs: list[TrainingRun]
) -> None:
    """Both groups log the name, and neither is drawn in the other's panel."""
    groups = group_runs(runs)
    figure = drawing(groups, choose_panels(runs, ["actor/pg_clipfrac_lower"]))

    drawn = {axes.get_title(loc="left"): list(axes.lines[0].get_ydata()) for axes in figure.axes}
    assert [len(axes.lines) for axes in figure.axes] == [1, 1]
    for title, group in zip(("Dual clip, A < 0", "Clipped below, A < 0"), groups, strict=True):
        curve = curve_of(group, "actor/pg_clipfrac_lower")
        assert curve is not None
        assert drawn[title] == list(curve.mean)


def test_the_curve_before_smoothing_stays_visible(
    drawing: Callable[..., Any], runs: list[TrainingRun]
) -> None:
    """Faint, in the colour of its group, and with it what smoothing hid."""
    groups = group_runs(runs[:1])
    figure = drawing(groups, choose_panels(runs, [METRIC]), smoothing=0.9)

    raw, smooth = figure.axes[0].lines
    assert list(raw.get_ydata()) == list(runs[0].metrics[METRIC].values)
    assert (raw.get_color(), raw.get_alpha()) == (smooth.get_color(), 0.3)
    assert np.std(np.diff(smooth.get_ydata())) < np.std(np.diff(raw.get_ydata()))


def test_a_wide_interval_does_not_squeeze_the_curves(drawing: Callable[..., Any]) -> None:
    """Of two seeds it is nine times as wide as they are apart; the axis shows the seeds."""
    runs = [training([0.0, 1.0], seed=1), training([1.0, 2.0], seed=2)]
    figure = drawing(group_runs(runs), choose_panels(runs, [METRIC]))

    low, high = figure.axes[0].get_ylim()
    assert -0.5 < low < 0
    assert 2 < high < 2.5


def test_the_same_curves_give_the_same_file(
    drawing: Callable[..., Any], runs: list[TrainingRun], tmp_path: Path
) -> None:
    """Neither dates nor random names."""
    from evalkit.curves.plot import save

    for name in ("a.svg", "b.svg", "a.png", "b.png"):
        save(drawing(group_runs(runs), choose_panels(runs, [METRIC])), tmp_path / name)

    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


class Page(HTMLParser):
    """The elements of a page, and the texts of its table cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.cells: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name.endswith(("href", "src"))]

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] == ["td"] and data.strip():
            self.cells.append(data)


@pytest.fixture
def page(drawing: Callable[..., Any], runs: list[TrainingRun]) -> str:
    from evalkit.curves.html import page

    return page(group_runs(runs), choose_panels(runs, [METRIC, "val/*"]), smoothing=0.5)


def test_the_page_needs_nothing_else(page: str) -> None:
    """Pictures are within it; no script, style sheet, font or image comes from elsewhere."""
    found = Page(page)

    assert found.tags.count("svg") == found.tags.count("table") == 2
    assert {"script", "link", "img", "iframe", "object"} & set(found.tags) == set()
    assert [link for link in found.links if not link.startswith("#")] == []
    assert set(re.findall(r"url\((.)", page)) <= {"#"}


def test_the_page_has_both_colour_schemes(page: str) -> None:
    """A picture has no colour of its own: all are looked up in the scheme of the screen."""
    pictures = "".join(re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL))

    assert "prefers-color-scheme: dark" in page
    assert set(re.findall(r"#[0-9a-f]{6}\b", pictures)) == set()
    assert {"var(--ink)", "var(--muted)"} & set(re.findall(r"var\([a-z0-9-]*\)", pictures))


def test_the_page_lists_last_values_as_they_were_measured(
    page: str, runs: list[TrainingRun]
) -> None:
    """Step, mean, least and most of each group; smoothing does not touch them."""
    last = [run.metrics[METRIC].values[-1] for run in runs if run.algorithm == "grpo"]

    numbers = [f"{one:.4g}" for one in (sum(last) / len(last), min(last), max(last))]
    assert Page(page).cells[:5] == ["grpo", "20", *numbers]


def test_names_are_escaped(drawing: Callable[..., Any]) -> None:
    """A run can be called what it likes."""
    from evalkit.curves.html import page

    run = TrainingRun(
        path=Path("x"), algorithm="<b>$x_", seed=1, settings={}, metrics={METRIC: series([1.0])}
    )
    text = page(group_runs([run]), choose_panels([run]))

    assert "&lt;b&gt;$x_, seed 1" in text
    assert "<b>" not in text
