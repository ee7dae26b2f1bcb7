"""What is probably wrong with a data set, a sentence each. Records in, no pixels and no files."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from modelzoo.datasets.copies import TURNED, original_of
from modelzoo.datasets.dataset import Dataset
from modelzoo.datasets.file_notes import doubt_brightness
from modelzoo.datasets.images import Facts
from modelzoo.datasets.layouts.names import names_no_class
from modelzoo.datasets.layouts.table_columns import name_subject
from modelzoo.datasets.opening import MIN_CLASS_IMAGES
from modelzoo.datasets.overlaps import Overlap
from modelzoo.datasets.splits import PART_WORDS, PARTS, Split, SplitKind, find_missing_classes
from modelzoo.text import count, join, join_few, number

FEWEST_SUBJECTS = 5  # of a class: with fewer a score says little about other people
MOST_LEFT_OUT = 0.2  # of the images; more is probably not what was meant
MOST_REPEATS = 0.05  # of the images; 4 of the 504 of the ALL image data set are so
_MEANT = ("a mask", "twin in", "not an image by its extension")  # left out as it should be
_IMAGES_PER_FORMAT = 10
_NEARLY_ALL = 0.95  # of a class's files: a few stray ones leave the others as telling as they were
_TOGETHER = "size, mode and file type together"
_OF_FILES: Mapping[str, Callable[[Facts], object]] = {
    "size": lambda facts: (facts.width, facts.height),
    "mode": lambda facts: (facts.mode, facts.bits),
    "bits in use": lambda facts: facts.depth,
    "file type": lambda facts: facts.format,
    _TOGETHER: lambda facts: (facts.width, facts.height, facts.mode, facts.bits, facts.format),
}


@dataclass(frozen=True, slots=True)
class Links:
    """Which images show the same: copies by their content, and overlapping fields."""

    copies: tuple[tuple[str, ...], ...]  # ids of the images with one content, two at least
    overlaps: tuple[tuple[str, str], ...]
    repeats: int = 0  # images beyond the first of each field that others show whole, copies not

    @classmethod
    def of(cls, dataset: Dataset, overlaps: Iterable[Overlap]) -> "Links":
        """Those of a data set."""
        ids_by_content: dict[str, list[str]] = defaultdict(list)
        for image in dataset.images:
            ids_by_content[image.sha256].append(image.id)
        copies = (tuple(ids) for ids in ids_by_content.values() if len(ids) > 1)
        overlaps = tuple(overlaps)
        pairs = tuple((each.first, each.second) for each in overlaps)
        return cls(tuple(copies), pairs, _count_repeats(dataset, overlaps))


def _count_repeats(dataset: Dataset, overlaps: Iterable[Overlap]) -> int:
    """Contents that show the whole of a field which another one shows, less one of each field."""
    content_by_id = {image.id: image.sha256 for image in dataset.images}
    field_by_content = {content: {content} for content in content_by_id.values()}
    for each in overlaps:
        first, second = (field_by_content[content_by_id[i]] for i in (each.first, each.second))
        if each.is_whole and first is not second:
            first |= second
            field_by_content.update(dict.fromkeys(second, first))
    return len(field_by_content) - len({id(field) for field in field_by_content.values()})


def find_crossing(links: Links, value_by_image: Mapping[str, str]) -> list[tuple[str, str]]:
    """Pairs of images that show the same and have different values, each such image in one or more.

    Args:
        links: Of the data set.
        value_by_image: Its class, part or subject, by image id; images without one are left out.
    """
    pairs = []
    for ids in links.copies:
        first_by_value: dict[str, str] = {}
        known = [image for image in ids if image in value_by_image]
        for image in known:
            first_by_value.setdefault(value_by_image[image], image)
        for image in known:
            others = (
                first for value, first in first_by_value.items() if value != value_by_image[image]
            )
            if other := next(others, None):
                pairs.append((min(image, other), max(image, other)))
    for first, second in links.overlaps:
        values = value_by_image.get(first), value_by_image.get(second)
        if None not in values and values[0] != values[1]:
            pairs.append((first, second))
    return sorted(set(pairs))


def find_doubts(dataset: Dataset, links: Links, groups: Mapping[str, str]) -> tuple[str, ...]:
    """Sentences on classes, subjects and files that are probably not as they should be.

    Args:
        dataset: From `open_dataset`.
        links: Of its images.
        groups: Image id -> group, from `find_groups`.
    """
    doubts = (
        _doubt_names(dataset),
        _doubt_labels(dataset),
        _doubt_overlapping_classes(dataset, links),
        _doubt_subjects(dataset, links),
        _doubt_few_subjects(dataset, groups),
        _doubt_repeats(dataset, links),
        _doubt_formats(dataset),
        _doubt_pages(dataset),
        _doubt_left_out(dataset),
        _doubt_rare(dataset),
    )
    found = (doubt for doubt in doubts if doubt)
    return (*dataset.doubts, *found, *doubt_brightness(dataset))


def doubt_split(dataset: Dataset, kind: SplitKind) -> tuple[str, ...]:
    """A sentence on the parts that the data set gives: how they are used, or that they are not."""
    given = {image.part for image in dataset.images} - {None}
    if kind == "given" or not given:
        return dataset.part_doubts if kind == "given" else ()
    parts = join([PART_WORDS[part] for part in PARTS if part in given])
    return (
        f"The data set gives parts ({parts}), and the split {kind} does not use them: scores "
        "cannot be compared with those on the given test images.",
    )


def describe_validation(dataset: Dataset, split: Split, kind: SplitKind) -> tuple[str, ...]:
    """A sentence where the split given had to take validation images from the training part."""
    given = {image.part for image in dataset.images}
    if kind != "given" or "validation" in given:
        return ()
    taken, left = (len(split.ids(part)) for part in ("validation", "train"))
    are = "is" if taken == 1 else "are"
    return (
        f"The data set gives no validation part: {taken:,} of the "
        f"{count(taken + left, 'given training image')}, in whole groups, {are} not trained on but "
        "used to choose the best epoch.",
    )


def describe_copies(split: Split, kind: SplitKind, most: int) -> tuple[str, ...]:
    """A sentence where all copies that are made do not fill a class up to what was asked for.

    Args:
        split: With its copies.
        kind: Of the split.
        most: Images that each class shall have, of all parts; 0: no copies.
    """
    if not most or kind == "leaky-validation":
        return ()
    own = Counter(row.label for row in split.rows if row.image == original_of(row.image))
    parts = PARTS if kind == "leaky-augmented" else ("train",)
    have = Counter(row.label for row in split.rows if row.part in parts)
    images = Counter(
        row.label for row in split.rows if row.part in parts and row.image == original_of(row.image)
    )
    asked = {label: round(most * images[label] / own[label]) for label in images}
    short = [label for label, wanted in sorted(asked.items()) if have[label] < wanted]
    if not short:
        return ()
    found = join_few([f"{label} {have[label]:,} of {asked[label]:,}" for label in short])
    has = "does" if len(short) == 1 else "do"
    return (
        f"{join_few(short)} {has} not reach the copies asked for, since an image has "
        f"{len(TURNED)} copies at most: {found} images{'' if len(parts) > 1 else ' in training'}.",
    )


def find_copied(dataset: Dataset, links: Links) -> set[str]:
    """Ids of the images outside the given training part that show what a training image shows."""
    is_train = {image.id: str(image.part == "train") for image in dataset.images if image.part}
    pairs = find_crossing(links, is_train)
    return {image for pair in pairs for image in pair if is_train[image] == "False"}


def doubt_parts(dataset: Dataset, links: Links) -> tuple[str, ...]:
    """Sentences on the parts that folders or a table give; none where they give none."""
    seen = doubt_seen(dataset, links)
    return (*dataset.part_doubts, *seen, *_doubt_incomplete_parts(dataset))


def doubt_seen(dataset: Dataset, links: Links) -> tuple[str, ...]:
    """Sentences on given validation and test images that the given training images show, too."""
    doubts = []
    copied = find_copied(dataset, links)
    for part in PARTS:
        ids = [image.id for image in dataset.images if image.part == part]
        if both := sum(image in copied for image in ids):
            are = "is a copy" if both == 1 else "are copies"
            overlap = "overlaps" if both == 1 else "overlap"
            doubts.append(
                f"{both:,} of the {count(len(ids), f'given {PART_WORDS[part]} image')} {are} of "
                f"training images or {overlap} them: a score on them is no score on unseen images."
            )
    trained = {image.group for image in dataset.images if image.part == "train"} - {None}
    for part in PARTS[1:]:
        of_part = [image for image in dataset.images if image.part == part]
        if both := sum(image.group in trained for image in of_part):
            noun = name_subject_of(dataset)
            are = f"is of a {noun}" if both == 1 else f"are of {noun}s"
            doubts.append(
                f"{both:,} of the {count(len(of_part), f'given {PART_WORDS[part]} image')} {are} "
                "that training has, too: a score on them says little about new patients."
            )
    return tuple(doubts)


def _doubt_incomplete_parts(dataset: Dataset) -> tuple[str, ...]:
    """Sentences on classes, parts and images that the given parts leave out."""
    doubts = []
    given = [(image.label, image.part) for image in dataset.images if image.part]
    for part, labels in find_missing_classes(given).items():
        have = "has" if len(labels) == 1 else "have"
        doubts.append(f"{join_few(labels)} {have} no {PART_WORDS[part]} images.")
    for part in ("train", "test"):
        if given and part not in {each for _, each in given}:
            doubts.append(
                f"No image is given the part {part}, so the split given cannot be used; choose "
                "another."
            )
    without = len(dataset.images) - len(given)
    if given and without:
        have = "has" if without == 1 else "have"
        doubts.append(f"{count(without, 'image')} of {len(dataset.images):,} {have} no part.")
    return tuple(doubts)


def _doubt_names(dataset: Dataset) -> str:
    named = [label for label in dataset.classes if names_no_class(label)]
    if not named:
        return ""
    verb = "The class {} is" if len(named) == 1 else "The classes {} are"
    advice = "name the column of the classes by --columns label=NAME"
    if not dataset.table:
        advice = "give a folder whose first level is the classes, or a table"
    return f"{verb.format(join_few(named))} named like a fold, part, patient or date: {advice}."


def _doubt_labels(dataset: Dataset) -> str:
    contradicting = sum(
        "content is in the classes" in each.reason for each in dataset.left_out_files
    )
    contradicting += sum("listed with the labels" in each.reason for each in dataset.left_out_files)
    if not contradicting:
        return ""
    return (
        f"{_images(contradicting)} left out because the same image has two labels; other labels "
        "may be wrong, too."
    )


def _doubt_overlapping_classes(dataset: Dataset, links: Links) -> str:
    pairs = find_crossing(links, dataset.label_by_id)
    if not pairs:
        return ""
    images = {image for pair in pairs for image in pair}
    return (
        f"{count(len(images), 'image')} of different classes overlap, such as {join(pairs[0])}: "
        "one of the labels is wrong, or a field holds cells of both."
    )


def _doubt_subjects(dataset: Dataset, links: Links) -> str:
    subjects = {image.id: image.group for image in dataset.images if image.group}
    pairs = find_crossing(links, subjects)
    if not pairs:
        return ""
    images = {image for pair in pairs for image in pair}
    of = sorted({subjects[image] for image in pairs[0]})
    noun = name_subject_of(dataset)
    return (
        f"{count(len(images), 'image')} of different {noun}s are copies or overlap, such as "
        f"{join(pairs[0])} of {join(of)}: these {noun}s are kept together as one group."
    )


def _doubt_few_subjects(dataset: Dataset, groups: Mapping[str, str]) -> str:
    """Classes with few subjects, where all subjects are known."""
    if not all(image.group for image in dataset.images):
        return ""
    subjects: dict[str, set[str]] = defaultdict(set)
    for image in dataset.images:
        subjects[image.label].add(groups[image.id])
    rare = [
        f"{label} from {number(len(subjects[label]))}"
        for label in dataset.classes
        if len(subjects[label]) < FEWEST_SUBJECTS
    ]
    if not rare:
        return ""
    return (
        f"Few {name_subject_of(dataset)}s: {join_few(rare)}; scores say little about other people."
    )


def _doubt_repeats(dataset: Dataset, links: Links) -> str:
    """Many images that show one field again without being the same file."""
    if links.repeats <= MOST_REPEATS * len(dataset.images):
        return ""
    return (
        f"{links.repeats:,} of {count(len(dataset.images), 'image')} show the whole of a field "
        "that another one shows (turned, mirrored, resized, saved or taken again): there are fewer "
        "fields than images, and a random split takes them apart."
    )


def _doubt_formats(dataset: Dataset) -> str:
    """Classes that nearly all of their files tell from all others, and what of the files does."""
    told: dict[str, list[str]] = {label: [] for label in dataset.classes}  # by what
    for what, value_of in _OF_FILES.items():
        counts: dict[str, Counter[object]] = {label: Counter() for label in dataset.classes}
        for image in dataset.images:
            counts[image.label][value_of(image.facts)] += 1
        for label, by in told.items():
            # All together are said only where none alone tells the class, and files of another mode
            # have other bits in use as well.
            is_said = by if what == _TOGETHER else "mode" in by and what == "bits in use"
            if not is_said and _is_apart(label, counts):
                by.append(what)
    labels_by_what: dict[str, list[str]] = defaultdict(list)
    for label, by in told.items():
        if by:
            labels_by_what[join(by)].append(label)
    if not labels_by_what:
        return ""
    listed = "; ".join(f"of {join_few(each)} in {what}" for what, each in labels_by_what.items())
    return (
        f"Nearly all files of a class differ from those of every other class ({listed}): a model "
        "can tell the class by that instead of by the cells."
    )


def _is_apart(label: str, counts: Mapping[str, Counter[object]]) -> bool:
    """Whether nearly all files of a class have values that hardly a file of any other has.

    Args:
        label: The class.
        counts: Files by value, by class.
    """
    own = counts[label]
    others = [theirs for other, theirs in counts.items() if other != label]
    usual: list[object] = []
    for value, _ in own.most_common():
        if sum(own[each] for each in usual) >= _NEARLY_ALL * own.total():
            break
        usual.append(value)
    # Where nearly every image has a size of its own, sizes that no other class has mean nothing.
    if not others or _IMAGES_PER_FORMAT * len(usual) > own.total():
        return False
    return all(
        sum(theirs[value] for value in usual) <= (1 - _NEARLY_ALL) * theirs.total()
        for theirs in others
    )


def _doubt_left_out(dataset: Dataset) -> str:
    left_out = sum(not each.reason.startswith(_MEANT) for each in dataset.left_out_files)
    if left_out <= MOST_LEFT_OUT * (left_out + len(dataset.images)):
        return ""
    are = "is" if left_out == 1 else "are"
    return (
        f"{count(left_out, 'file')} {are} left out and {len(dataset.images):,} used; see the "
        "reasons."
    )


def _doubt_pages(dataset: Dataset) -> str:
    apart = [image.id for image in dataset.images if image.facts.has_grey_pages]
    if not apart:
        return ""
    return (
        f"{count(len(apart), 'file')} with three grey pages of one size, perhaps red, green and "
        f"blue, such as {apart[0]}: only the first is used; save them as one colour image."
    )


def _doubt_rare(dataset: Dataset) -> str:
    """Classes with too few images to train on."""
    counts = sorted(dataset.images_by_class.items(), key=lambda each: each[1])
    rare = [f"{name} {images}" for name, images in counts if images < MIN_CLASS_IMAGES]
    if not rare:
        return ""
    return f"Few images: {join_few(rare)}; training needs {MIN_CLASS_IMAGES} of each class."


def name_subject_of(dataset: Dataset) -> str:
    """What keeps images together, as the data set's table calls it: `slide` or `subject`."""
    return name_subject(dataset.origins.group.removeprefix("column "))


def _images(how_many: int) -> str:
    return f"{count(how_many, 'image')} {'is' if how_many == 1 else 'are'}"
