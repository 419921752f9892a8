"""Run a jinja2 template that somebody else may have written: it can make text, and nothing else.

jinja2's own sandbox keeps it from Python's inside; here it is kept from endless work, memory and text as well. A
template is one file: it includes, imports and extends nothing. `plan` of a stranger's configuration runs one as root.
"""

from __future__ import annotations

import contextlib
import functools
import operator
import resource
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from phoenix_pve import jsonfile
from phoenix_pve.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import FrameType, TracebackType

MOST_TEXT = 1 << 20
"""Letters of a rendered template; QEMU's cloud-init drive has 4 MiB."""

MOST_STEPS = 1_000_000
"""Lines of a template that are run: about half a second."""

MOST_SECONDS = 5.0
"""Seconds of a processor for what is no line of the template: a filter with an absurd argument."""

MOST_MEMORY = 256 << 20
"""Bytes that a template may need beyond what phoenix has."""

MOST_BITS = 10_000
HINT = "mend the template, or remove it to use the one that comes with phoenix"
ENDLESS = "it does not come to an end"
ONE_FILE = "a template is one file here: it can neither include, import nor extend another one"


class _Environment(ImmutableSandboxedEnvironment):
    """The sandbox, which also refuses numbers and texts that grow out of proportion."""

    intercepted_binops = frozenset({"*", "**"})

    def call_binop(self, context: jinja2.runtime.Context, operator: str, left: Any, right: Any) -> Any:
        """Multiply, or raise to a power, what stays within bounds. Raises SecurityError."""
        del context
        if _size(operator, left, right) > (MOST_BITS if _is_number(left) and _is_number(right) else MOST_TEXT):
            raise SecurityError("the result would be too large")
        return OPERATIONS[operator](left, right)


OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {"*": operator.mul, "**": operator.pow}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def _size(operation: str, left: Any, right: Any) -> int:
    """Return about how large a result is: bits of a whole number, items of a text or list."""
    if isinstance(left, int) and isinstance(right, int):
        bits = left.bit_length()
        return bits * max(0, right) if operation == "**" else bits + right.bit_length()
    pair = (left, right) if isinstance(right, int) else (right, left)
    return len(pair[0]) * max(0, pair[1]) if hasattr(pair[0], "__len__") and isinstance(pair[1], int) else 0


def render(template: Path, values: Mapping[str, object], filters: Mapping[str, Callable[..., Any]]) -> str:
    """Return the text that a template makes of `values`. Raises ConfigError, with file and line, for what is wrong."""
    text = jsonfile.read_text(template)
    try:
        with _bounded(str(template)):
            return _joined(_compiled(text, str(template), tuple(filters.items())), values)
    except Exception as error:  # noqa: BLE001 - whatever it is, the template is at fault
        raise ConfigError([f"{template}{_place(error, str(template))}: {_words(error)}"], HINT) from None


@functools.cache
def _compiled(text: str, name: str, filters: tuple[tuple[str, Callable[..., Any]], ...]) -> jinja2.Template:
    """Compile a template once for all guests: that costs far more than rendering it."""
    environment = _Environment(undefined=jinja2.StrictUndefined, autoescape=False, keep_trailing_newline=True)
    environment.filters.update(filters)
    code = environment.compile(text, name=name, filename=name)
    return jinja2.Template.from_code(environment, code, environment.make_globals(None))


def _joined(template: jinja2.Template, values: Mapping[str, object]) -> str:
    parts, size = [], 0
    for part in template.generate(values):
        parts.append(part)
        size += len(part)
        if size > MOST_TEXT:
            raise SecurityError(f"it makes more than {MOST_TEXT >> 20} MiB of text")
    return "".join(parts)


@contextlib.contextmanager
def _bounded(name: str) -> Iterator[None]:
    """Bound the steps, the memory and the time of the template `name`, for as long as the block runs."""
    before = sys.gettrace()
    with _little_memory(), _little_time():
        sys.settrace(_counter(name))
        try:
            yield
        finally:
            sys.settrace(before)


@contextlib.contextmanager
def _little_memory() -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_AS)
    most = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + MOST_MEMORY
    if limits[0] == resource.RLIM_INFINITY or most < limits[0]:
        resource.setrlimit(resource.RLIMIT_AS, (most, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


@contextlib.contextmanager
def _little_time() -> Iterator[None]:
    """Only the main thread hears of time; there every template is rendered first, and its text is kept."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGVTALRM, _too_late)
    signal.setitimer(signal.ITIMER_VIRTUAL, MOST_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _too_late(_number: int, _frame: FrameType | None) -> None:
    raise SecurityError(ENDLESS)


def _counter(name: str) -> Callable[[FrameType, str, Any], Any]:
    """Return what Python calls for every line: it counts those of the template, and raises when they are too many."""
    steps = 0

    def count(_frame: FrameType, event: str, _value: Any) -> Any:
        nonlocal steps
        steps += event == "line"
        if steps > MOST_STEPS:
            raise SecurityError(ENDLESS)
        return count

    return lambda frame, event, value: count(frame, event, value) if frame.f_code.co_filename == name else None


def _place(error: Exception, name: str) -> str:
    """Return `:LINE`, the last line of the template that was under way."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return f":{error.lineno}"
    lines = [trace.tb_lineno for trace in _traces(error.__traceback__) if trace.tb_frame.f_code.co_filename == name]
    return f":{lines[-1]}" if lines else ""


def _traces(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace:
        yield trace
        trace = trace.tb_next


def _words(error: Exception) -> str:
    """Return what is wrong in words, on one line."""
    if "no loader for this environment" in str(error):
        return ONE_FILE
    if isinstance(error, MemoryError):
        return "it needs too much memory"
    if isinstance(error, RecursionError):
        return "it calls itself without end"
    text = " ".join(str(error.message if isinstance(error, jinja2.TemplateError) else error).split())[:300]
    return text if isinstance(error, jinja2.TemplateError) and text else f"{type(error).__name__}: {text}"
