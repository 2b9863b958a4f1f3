"""Class splits: disjoint halves, a function of the generator; lists are what they are named after."""

import pytest

from gfncp.data.splits import choose_classes, class_list, split_classes
from gfncp.seeds import seeded

NAMES = [f"class-{number}" for number in range(20)]


@pytest.mark.parametrize("count", [4, 5, 20])
@pytest.mark.parametrize("held_out", [0.0, 0.01, 0.2, 0.5])
def test_parts_are_disjoint_halves(count, held_out):
    training, validation, test = split_classes(NAMES[:count], held_out)
    assert sorted(training + validation + test) == sorted(NAMES[:count])
    assert len(training) + len(validation) == count // 2
    assert training and bool(validation) == (held_out > 0)


def test_chosen_classes_are_a_function_of_the_seed_and_not_of_the_order_of_names():
    first = choose_classes(NAMES, 10, seeded(0))
    assert first == choose_classes(NAMES[::-1], 10, seeded(0))
    assert first != choose_classes(NAMES, 10, seeded(1))
    assert len(set(first)) == 10 and set(first) < set(NAMES)


def test_smaller_choices_are_part_of_larger_ones():
    fewer, more, every = (choose_classes(NAMES, count, seeded(0)) for count in (4, 9, None))
    assert more[:4] == fewer and every[:9] == more
    assert sorted(every) == sorted(NAMES)


def test_lists_of_imagenet_have_their_sizes_and_are_nested():
    fifty, hundred, two_hundred = (class_list(f"imagenet-{size}") for size in (50, 100, 200))
    assert [len(fifty), len(hundred), len(two_hundred)] == [50, 100, 200]
    assert set(fifty) < set(hundred) < set(two_hundred)
    assert all(len(name) == 9 and name[0] == "n" and name[1:].isdigit() for name in two_hundred)


def test_a_list_of_a_users_own_names_the_classes(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text("class-3 which is the third\n\nclass-1\nclass-7\nclass-0\n")
    assert class_list(path) == ["class-3", "class-1", "class-7", "class-0"]
    chosen = choose_classes(NAMES, str(path), seeded(0))
    assert sorted(chosen) == ["class-0", "class-1", "class-3", "class-7"]


@pytest.mark.parametrize(
    ("content", "said"),
    [("", "names no class"), ("a\nb\na\n", "names 'a' twice"), (b"\xff\xfe", "imagenet-50")],
)
def test_damaged_lists_are_refused(tmp_path, content, said):
    path = tmp_path / "bad.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=said):
        class_list(path)


def test_unknown_lists_and_absent_classes_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"classes='imagenet-7': accepted are .*'imagenet-50'"):
        class_list("imagenet-7")
    with pytest.raises(ValueError, match=r"classes='imagenet-50': the data lacks 'n01601694' \(50 classes\)"):
        choose_classes(NAMES, "imagenet-50", seeded(0))
    with pytest.raises(ValueError, match="classes=21: accepted is 1 to 20"):
        choose_classes(NAMES, 21, seeded(0))


@pytest.mark.parametrize("names", [NAMES[:3], NAMES[:4] + NAMES[:1], []])
def test_too_few_classes_or_repeated_ones_are_refused(names):
    with pytest.raises(ValueError, match="accepted are at least 4 different ones"):
        split_classes(names, 0.2)


def test_a_split_that_leaves_nothing_to_train_on_is_refused():
    with pytest.raises(ValueError, match=r"held_out=0\.9: leaves 0 of 2 classes"):
        split_classes(NAMES[:4], 0.9)
