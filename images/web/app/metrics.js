/** Counters and a histogram in the text form that Prometheus reads (exposition format 0.0.4). */

/** Upper bounds of the histogram, in seconds. */
const bounds = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5];

export class Metrics {
  #requests = new Map();
  #buckets = bounds.map(() => 0);
  #count = 0;
  #sum = 0;

  /**
   * @param {string} route Pattern of the route, never the path a client sent: labels must stay few.
   * @param {number} status
   * @param {number} seconds
   */
  observe(route, status, seconds) {
    const labels = `route="${route}",status="${status}"`;
    this.#requests.set(labels, (this.#requests.get(labels) ?? 0) + 1);
    this.#count++;
    this.#sum += seconds;
    bounds.forEach((bound, i) => {
      if (seconds <= bound) this.#buckets[i]++;
    });
  }

  /** @param {{ version: string, startedAt: number, ready: boolean, memory: number }} state */
  text({ version, startedAt, ready, memory }) {
    const lines = [
      "# HELP http_requests_total Requests that were answered.",
      "# TYPE http_requests_total counter",
      ...[...this.#requests].map(([labels, count]) => `http_requests_total{${labels}} ${count}`),
      "# HELP http_request_duration_seconds Time from the first byte of a request to the end of its answer.",
      "# TYPE http_request_duration_seconds histogram",
      ...bounds.map((bound, i) => `http_request_duration_seconds_bucket{le="${bound}"} ${this.#buckets[i]}`),
      `http_request_duration_seconds_bucket{le="+Inf"} ${this.#count}`,
      `http_request_duration_seconds_sum ${this.#sum}`,
      `http_request_duration_seconds_count ${this.#count}`,
      "# HELP process_start_time_seconds When the process started, in seconds since 1970.",
      "# TYPE process_start_time_seconds gauge",
      `process_start_time_seconds ${startedAt}`,
      "# HELP process_resident_memory_bytes Memory the process holds.",
      "# TYPE process_resident_memory_bytes gauge",
      `process_resident_memory_bytes ${memory}`,
      "# HELP web_ready Whether the service takes requests.",
      "# TYPE web_ready gauge",
      `web_ready ${ready ? 1 : 0}`,
      "# HELP web_info Version of the service.",
      "# TYPE web_info gauge",
      `web_info{version="${version}"} 1`,
    ];
    return `${lines.join("\n")}\n`;
  }
}
