/** Spans of OpenTelemetry for what a command does, named as people see it: sent where the standard variables say, and never in any byte. */
import type { Context, Span, Tracer } from "@opentelemetry/api";
import { messageOf } from "../host/errors.ts";
import type { SpanExporter } from "@opentelemetry/sdk-trace-base";
import type { Host } from "../host/host.ts";
import type { Report, Task } from "./report.ts";

export interface Trace {
  /** Tells the same as the report that was given, and makes a span of each task. */
  readonly report: Report;
  /** Ends the command's own span and sends what is left; says on the report when it could not be sent. */
  end(exit: number): Promise<void>;
}

/** Milliseconds within which an exporter must have taken what it is sent: nobody waits for it longer. */
const patience = 5000;

/** Whether an exporter is configured (OpenTelemetry, "OTLP Exporter Configuration" and "General SDK Configuration"). */
export function wantsTrace(host: Host): boolean {
  if (host.env("OTEL_SDK_DISABLED") === "true" || host.env("OTEL_TRACES_EXPORTER") === "none") return false;
  return (host.env("OTEL_EXPORTER_OTLP_ENDPOINT") ?? host.env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")) !== undefined;
}

/** An exporter that remembers why spans could not be sent: the library tells nobody. */
class RememberingExporter implements SpanExporter {
  readonly #inner: SpanExporter;
  failure: string | undefined;

  constructor(inner: SpanExporter) {
    this.#inner = inner;
  }

  export: SpanExporter["export"] = (spans, done) => {
    this.#inner.export(spans, (result) => {
      if (result.error !== undefined) this.failure = messageOf(result.error);
      done(result);
    });
  };

  shutdown(): Promise<void> {
    return this.#inner.shutdown();
  }
}

/** A report that makes a span of each task within a span of the command. */
class TracedReport implements Report {
  readonly #inner: Report;
  readonly #tracer: Tracer;
  readonly #parent: Context;

  constructor(inner: Report, tracer: Tracer, parent: Context) {
    this.#inner = inner;
    this.#tracer = tracer;
    this.#parent = parent;
  }

  task(title: string, unit?: "bytes" | "items"): Task {
    const task = this.#inner.task(title, unit);
    const span: Span = this.#tracer.startSpan(title, {}, this.#parent);
    let last: readonly [number, number] | undefined;
    return {
      progress: (done, total) => {
        last = [done, total];
        task.progress(done, total);
      },
      done: (summary) => {
        if (last !== undefined) span.setAttributes({ "lockstep.done": last[0], "lockstep.total": last[1] });
        if (unit !== undefined) span.setAttribute("lockstep.unit", unit);
        span.end();
        task.done(summary);
      },
    };
  }

  detail(line: string): void {
    this.#inner.detail(line);
  }

  warn(line: string): void {
    this.#inner.warn(line);
  }
}

/**
 * Begins a trace of a command: a child of `TRACEPARENT` where that is set (as Dagger and CI systems do), else one of its own. The library
 * reads the other variables itself: endpoint, headers, timeouts, certificates.
 */
export async function startTrace(host: Host, report: Report, name: string): Promise<Trace> {
  const [{ ROOT_CONTEXT, SpanStatusCode, trace }, { BasicTracerProvider, BatchSpanProcessor }, exporter, resources] =
    await Promise.all([
      import("@opentelemetry/api"),
      import("@opentelemetry/sdk-trace-base"),
      import("@opentelemetry/exporter-trace-otlp-proto"),
      import("@opentelemetry/resources"),
    ]);
  const service = host.env("OTEL_SERVICE_NAME") ?? "lockstep";
  const sender = new RememberingExporter(new exporter.OTLPTraceExporter());
  const provider = new BasicTracerProvider({
    resource: resources.resourceFromAttributes({ "service.name": service }),
    spanProcessors: [new BatchSpanProcessor(sender)],
  });
  const [, traceId, spanId, flags] =
    /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(host.env("TRACEPARENT") ?? "") ?? [];
  const above =
    traceId === undefined || spanId === undefined
      ? ROOT_CONTEXT
      : trace.setSpanContext(ROOT_CONTEXT, {
          traceId,
          spanId,
          traceFlags: Number.parseInt(flags ?? "01", 16),
          isRemote: true,
        });
  const tracer = provider.getTracer("lockstep");
  const span = tracer.startSpan(`lockstep ${name}`, {}, above);
  return {
    report: new TracedReport(report, tracer, trace.setSpan(above, span)),
    async end(exit) {
      span.setAttribute("lockstep.exit", exit);
      if (exit !== 0) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
      const over = new AbortController();
      try {
        const sent = provider.shutdown().then(() => sender.failure);
        const failure = await Promise.race([sent, host.sleep(patience, over.signal).then(() => "it took too long")]);
        if (failure !== undefined) report.warn(`the trace could not be sent: ${failure}`);
      } catch (error) {
        report.warn(`the trace could not be sent: ${messageOf(error)}`);
      } finally {
        over.abort();
      }
    },
  };
}
