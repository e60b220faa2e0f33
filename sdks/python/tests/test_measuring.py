"""What an engine measures of itself, and the spans of its handlers."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from enginehouse import Client, Context, Engine, Problem, Retry, problems
from enginehouse._engine.load import LoadMeter, read_gpus
from enginehouse._engine.session import EngineSession
from enginehouse._tracing import current_traceparent
from enginehouse.testing import InMemoryQueue, start_server


@pytest.fixture(scope="module")
def exporter() -> InMemorySpanExporter:
    """Where all spans of this process end: a process has one provider."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


@pytest.fixture
def spans(exporter: InMemorySpanExporter) -> InMemorySpanExporter:
    """The spans of one test."""
    exporter.clear()
    return exporter


def process(folder: Path, pid: int, parent: int, ticks: int, pages: int) -> None:
    stat = f"{pid} (a) b (c)) S {parent} {pid} 77 0 -1 4194560 9 8 0 0 {ticks} 0 0 0 20 0 1 0 5 1000 {pages} 18446744073709551615 1"
    (folder / str(pid)).mkdir(exist_ok=True)
    (folder / str(pid) / "stat").write_text(stat)


def use(meter: LoadMeter) -> dict[str, Any]:
    measured: dict[str, Any] = meter.state()["resource_utilization"]
    return measured


def test_a_process_and_its_descendants_are_measured_and_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own, clock = os.getpid(), [100.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    page = os.sysconf("SC_PAGE_SIZE")
    megabyte = (1 << 20) // page
    for pid, parent, ticks in ((own, 1, 10), (900001, own, 20), (900002, 900001, 30), (900003, 1, 1000), (900004, 900005, 1), (900005, 900004, 1)):
        process(tmp_path, pid, parent, ticks, 2 * megabyte)
    meter = LoadMeter(proc=tmp_path, cgroup=tmp_path)
    assert use(meter) == {"memory_usage_mb": 6.0}
    process(tmp_path, 900002, 900001, 30 + os.sysconf("SC_CLK_TCK"), 2 * megabyte)
    clock[0] += 2.0
    assert use(meter) == {"cpu_percent": 50.0, "memory_usage_mb": 6.0}


def test_a_container_is_measured_by_its_cgroup(tmp_path: Path) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self/cgroup").write_text("0::/\n")
    (tmp_path / "memory.current").write_text(f"{7 << 20}\n")
    (tmp_path / "cpu.stat").write_text("usage_usec 1000000\nuser_usec 1\n")
    assert use(LoadMeter(proc=tmp_path, cgroup=tmp_path)) == {"memory_usage_mb": 7.0}
    (tmp_path / "self/cgroup").write_text("0::/user.slice\n")
    assert use(LoadMeter(proc=tmp_path, cgroup=tmp_path)) == {}


def test_graphics_processors_are_added_up() -> None:
    assert read_gpus("50, 1024\n100, 512\n") == {"gpu_percent": 75.0, "gpu_memory_mb": 1536.0}
    assert read_gpus("") == {}


def test_the_run_that_an_engine_works_on_stays_the_newest() -> None:
    meter = LoadMeter()
    meter.works_on("film-1")
    meter.works_on(None)
    assert meter.state()["current_scenario_run_id"] == "film-1"


def test_a_handler_runs_in_a_span_and_an_error_is_in_it(spans: InMemorySpanExporter) -> None:
    seen = list[str | None]()
    engine = Engine("traced", engine_id="traced-1")

    @engine.on("traced")
    def handle(_payload: Any) -> None:
        seen.append(current_traceparent())
        raise OSError("broken")

    queue = InMemoryQueue(engine)
    event = queue.enqueue("traced")
    queue.run_due()
    (span,) = spans.get_finished_spans()
    assert (span.name, span.kind.name, span.status.status_code.name) == ("process traced", "CONSUMER", "ERROR")
    assert span.context is not None and span.attributes is not None
    assert span.attributes["messaging.message.id"] == event.event_id
    assert (span.attributes["messaging.system"], span.attributes["messaging.client.id"]) == ("enginehouse", "traced-1")
    assert seen == [f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-{int(span.context.trace_flags):02x}"]
    assert current_traceparent() is None


def test_the_span_that_enqueues_an_event_is_linked_by_every_attempt_at_it(spans: InMemorySpanExporter) -> None:
    engine = Engine("traced", engine_id="traced-2")

    @engine.on("flaky")
    def handle(_payload: Any, context: Context) -> None:
        if context.attempt == 1:
            raise Retry(after=1)

    queue = InMemoryQueue(engine)
    with trace.get_tracer("test").start_as_current_span("producer") as producer:
        event = queue.enqueue("flaky")
        queue.run_until_idle()
    found = producer.get_span_context()
    assert event.traceparent == f"00-{found.trace_id:032x}-{found.span_id:016x}-{int(found.trace_flags):02x}"
    attempts = [span for span in spans.get_finished_spans() if span.name == "process flaky"]
    assert [[link.context.span_id for link in span.links] for span in attempts] == [[found.span_id], [found.span_id]]


def test_whoever_enqueues_in_a_span_sends_it_with_the_event() -> None:
    tracer = TracerProvider().get_tracer("test")
    own = "00-4bf92f3577b34da6a3ce929d0e0e4736-1111111111111111-00"
    with start_server() as server, Client(server.url) as client:
        outside = client.enqueue("traced").event_id
        with tracer.start_as_current_span("producer"):
            span = current_traceparent()
            one = client.enqueue("traced").event_id
            many = client.enqueue_many([{"event_type": "traced"}, {"event_type": "traced", "traceparent": own}])
        ids = [outside, one, *(event.event_id for event in many.events if event.event_id is not None)]
        assert [client.get_event(event_id).traceparent for event_id in ids] == [None, span, span, own]


def test_the_token_of_an_attempt_settles_that_and_nothing_else(tmp_path: Path) -> None:
    store = f"sqlite://{tmp_path}/events.db"
    create = [os.environ["ENGINEHOUSE_BINARY"], "token", "create", "root", "--role", "admin", "-q", "--store", store]
    root = subprocess.run(create, capture_output=True, text=True, check=True).stdout.strip()
    with start_server(store=store) as server, Client(server.url, token=root) as client:
        engine = client.register_engine("tokens-1", engine_type="tokens")
        session = engine.session_token
        for _ in range(2):
            client.enqueue("tokens")
        one, other = client.claim_events("tokens-1", epoch=engine.epoch, limit=2, session=session).events
        token = EngineSession.begun(engine).event_token(one)
        with Client(server.url, token=token) as program:
            assert program.complete_event(one.event_id, lock_token=one.lock.token, result=1).status == "completed"
            with pytest.raises(Problem):
                program.complete_event(other.event_id, lock_token=other.lock.token)
        with pytest.raises(problems.WrongSession):
            client.complete_event(other.event_id, lock_token=other.lock.token)
