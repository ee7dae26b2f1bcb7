"""Numbers and names as a person reads them. Texts out; nothing is read."""

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Sequence

ELLIPSIS = "…"
MINUS = "\N{MINUS SIGN}"
SMALLEST_P = 0.001  # below which random signs tell little
_FEW = 3  # names in a sentence
_HASH = 6  # hexadecimal digits of a name that is told apart by its hash
_JOINERS = "\u200c\u200d"  # hold emoji, and words of Persian and Hindi, together


def percent(share: float, decimals: int = 1) -> str:
    """A share in percent: `95.8 %`, or `96 %` with 0 decimals.

    Rounding claims no certainty: only exactly 0 and 1 are 0 % and 100 %. What would round to one of
    them has one decimal and stays between 0.1 % and 99.9 %.
    """
    rounded = f"{100 * share:.{decimals}f}"
    if 0 < share < 1 and float(rounded) in (0.0, 100.0):
        rounded = f"{min(max(100 * share, 0.1), 99.9):.1f}"
    return f"{rounded} %"


def fraction(share: float) -> str:
    """A share with three decimals, as areas are given: `0.995`; only exactly 1 is 1.000.

    Of a score in [-1, 1] the same, with a minus sign: only exactly -1 is -1.000.
    """
    if -1 < share < 1:
        share = min(max(share, -0.999), 0.999)
    text = f"{share:.3f}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", MINUS)


def describe_p(p: float) -> str:
    """A p value with three decimals: `0.042`; `< 0.001` below that."""
    if math.isnan(p):
        return "none"
    return f"< {SMALLEST_P}" if p < SMALLEST_P else f"{p:.3f}"


def confidence_interval(low: float, high: float) -> str:
    """A 95 % confidence interval of a share, as `95 % CI 91.2–98.7 %`."""
    return f"95 % CI {percent(low).removesuffix(' %')}–{percent(high)}"


def join(names: Sequence[str]) -> str:
    """`A, B and C`; at least one name."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def join_few(names: Sequence[str]) -> str:
    """As `join`; of more than four names the first three, and how many more there are."""
    if len(names) <= _FEW + 1:
        return join(names)
    return f"{', '.join(names[:_FEW])} and {len(names) - _FEW} more"


def number(how_many: int) -> str:
    """A count as a word up to ten, in digits beyond."""
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return words[how_many] if how_many < len(words) else str(how_many)


def count(how_many: int, noun: str, plural: str = "s") -> str:
    """`1 image`, `1,200 images`; `plural` is what the noun gets at its end."""
    return f"{how_many:,} {noun}" if how_many == 1 else f"{how_many:,} {noun}{plural}"


def file_size(n_bytes: int) -> str:
    """Bytes as a person says them: `4.2 MB`, `870 kB`, `12 bytes`."""
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if n_bytes >= unit:
            value = n_bytes / unit
            return f"{value:.1f} {name}" if value < 10 else f"{value:.0f} {name}"
    return count(n_bytes, "byte")


def ordinal(value: float) -> str:
    """`82nd`; a number that is not whole is rounded down, so that only 100 is called so."""
    number = int(value)
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if 10 < number % 100 < 14 else ending}"


def capital(text: str) -> str:
    """`text` with a capital first letter, the rest as it is."""
    return text[:1].upper() + text[1:]


def describe_seconds(seconds: float) -> str:
    """A duration as a person says it."""
    if math.isnan(seconds):
        return "not known"
    if seconds < 90:
        return count(max(1, round(seconds)), "second")
    if seconds < 90 * 60:
        return count(round(seconds / 60), "minute")
    return f"{seconds / 3600:.1f} hours"


def one_line(text: str) -> str:
    """`text` on one line that can be printed: what cannot be seen or is no UTF-8 is spelt out.

    So are the marks that turn the direction of all that follows, but not the letters of scripts
    that are written from right to left.
    """
    return "".join(
        letter
        if letter.isprintable() or letter in _JOINERS
        else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )


def shorten(text: str, letters: int) -> str:
    """`text` as `one_line`, in at most `letters`: an ellipsis in place of what is after its middle.

    Both ends stay, since names that begin alike (`…, subtype B1`) differ at their ends.
    """
    text = one_line(text)
    if len(text) <= letters:
        return text
    end = (letters - len(ELLIPSIS)) // 3
    return f"{text[: letters - len(ELLIPSIS) - end]}{ELLIPSIS}{text[len(text) - end :]}"


def shorten_all(names: Iterable[str], letters: int) -> dict[str, str]:
    """Each of `names` as `shorten` has it; those that would look the same end in a hash instead.

    Args:
        names: Any, in any order.
        letters: 12 or more.
    """
    short = {name: shorten(name, letters) for name in names}
    times = Counter(short.values())
    return {
        name: text if times[text] == 1 else _with_hash(name, letters)
        for name, text in short.items()
    }


def _with_hash(name: str, letters: int) -> str:
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:_HASH]
    return f"{one_line(name)[: letters - _HASH - len(ELLIPSIS)]}{ELLIPSIS}{digest}"
