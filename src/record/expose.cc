// The Prometheus text exposition (prometheus.io/docs/instrumenting/exposition_formats, version 0.0.4).
#include <map>
#include <utility>

#include "base/text.h"
#include "record/state.h"

namespace cardea::record {
namespace {

/// Name, labels without braces, help. Rows of one family stand together; the first one's help is shown.
struct Row {
  std::string_view family;
  std::string_view labels;
  std::string_view help;
};
constexpr std::array<Row, gauges> gauge_rows{{
    {"cardea_in_flight_requests", "", "Requests being worked on."},
    {"cardea_client_connections", "", "Open client connections."},
    {"cardea_upstream_connections", R"(state="active")", "Upstream connections by state."},
    {"cardea_upstream_connections", R"(state="idle")", ""},
}};
constexpr std::array<Row, counters> counter_rows{{
    {"cardea_client_connections_total", "", "Client connections accepted."},
    {"cardea_upstream_connects_total", "", "Upstream connections opened."},
    {"cardea_upstream_reuses_total", "", "Requests sent on an upstream connection that was open already."},
    {"cardea_upstream_connect_failures_total", "", "Upstream connections that could not be opened."},
    {"cardea_config_reloads_total", "", "Configuration reloads that took effect."},
    {"cardea_config_reload_failures_total", "", "Configuration reloads refused; the former configuration stayed."},
}};

/// A sample's value: integers exactly, others in the shortest form that reads back the same.
void append_value(std::string& out, double value) {
  char digits[32];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

class Page {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    out_ += cat("# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n");
  }
  template <class T>
  void sample(std::string_view suffix, std::string_view labels, T value) {
    out_.append(name_).append(suffix);
    if (!labels.empty()) out_.append("{").append(labels).append("}");
    out_ += ' ';
    if constexpr (std::integral<T>) {
      append(out_, value);
    } else {
      append_value(out_, value);
    }
    out_ += '\n';
  }
  template <class T>
  void single(std::string_view name, std::string_view type, std::string_view help, T value) {
    family(name, type, help);
    sample("", "", value);
  }
  [[nodiscard]] std::string take() && { return std::move(out_); }

 private:
  std::string out_;
  std::string_view name_;
};

/// Appends `,name="value"` with the value escaped.
void label(std::string& out, std::string_view name, std::string_view value) {
  if (!out.empty()) out += ',';
  out.append(name).append("=\"");
  for (const char c : value) {
    if (c == '\n') {
      out.append("\\n");
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

/// Histograms of one label text, summed over workers and over what the text leaves out.
struct Sum {
  const Scale* scale = nullptr;
  std::array<std::uint64_t, bounds_max + 1> counts{};
  std::uint64_t sum = 0;

  void add(const Histogram& from) {
    scale = &from.scale();
    sum += from.sum();
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += from.count(i);
  }
  [[nodiscard]] bool empty() const {
    return std::ranges::all_of(counts, [](auto n) { return n == 0; });
  }
};

void histogram(Page& page, const std::string& labels, const Sum& sum) {
  const auto with_bound = [&labels](std::string_view bound) {
    std::string out = labels;
    label(out, "le", bound);
    return out;
  };
  const Scale& scale = *sum.scale;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < scale.bounds.size(); ++i) {
    seen += sum.counts[i];
    std::string bound;
    append_value(bound, static_cast<double>(scale.bounds[i]) / scale.units_per_shown);
    page.sample("_bucket", with_bound(bound), seen);
  }
  seen += sum.counts[scale.bounds.size()];
  page.sample("_bucket", with_bound("+Inf"), seen);
  page.sample("_sum", labels, static_cast<double>(sum.sum) / scale.units_per_shown);
  page.sample("_count", labels, seen);
}

using Recorders = std::span<const Recorder* const>;
using Sums = std::map<std::string, Sum>;

template <class Visit>
void for_each_series(Recorders recorders, Visit&& visit) {
  for (const Recorder* recorder : recorders) recorder->state().series.for_each(visit);
}

void requests(Page& page, Recorders recorders) {
  std::map<std::string, std::uint64_t> totals;
  for_each_series(recorders, [&](const Series& series) {
    std::string labels;
    label(labels, "route", series.labels.route);
    label(labels, "dialect", series.labels.dialect);
    label(labels, "provider", series.labels.provider);
    label(labels, "model", series.labels.model);
    const auto count = [&](std::string_view status, std::uint64_t n) {
      if (n == 0) return;
      std::string text = labels;
      label(text, "status", status);
      totals[text] += n;
    };
    for (const auto& entry : series.statuses) count(cat(entry.status.get()), entry.count.get());
    count("other", series.other_statuses.get());
  });
  page.family("cardea_requests_total", "counter", "Requests answered, by route, dialect, provider, model and HTTP status.");
  for (const auto& [labels, n] : totals) page.sample("", labels, n);
}

void errors(Page& page, Recorders recorders) {
  page.family("cardea_request_errors_total", "counter", "Requests that ended in an error, by kind.");
  for (std::size_t kind = 0; kind < kinds; ++kind) {
    std::uint64_t n = 0;
    for (const Recorder* recorder : recorders) n += recorder->state().errors[kind].get();
    if (n == 0) continue;
    std::string labels;
    label(labels, "kind", info(static_cast<Kind>(kind)).label);
    page.sample("", labels, n);
  }
}

std::string gen_ai_labels(const Series& series) {
  std::string labels;
  label(labels, "gen_ai_operation_name", series.labels.operation);
  label(labels, "gen_ai_provider_name", series.labels.provider);
  label(labels, "gen_ai_request_model", series.labels.model);
  return labels;
}

/// One member of Series as a family; `extra` is appended to the labels (with its comma).
struct Part {
  Histogram Series::* member;
  std::string_view extra;
};
void gen_ai(Page& page, Recorders recorders, std::string_view name, std::string_view help, std::initializer_list<Part> parts) {
  Sums sums;
  for_each_series(recorders, [&](const Series& series) {
    const auto labels = gen_ai_labels(series);
    for (const auto& part : parts) sums[cat(labels, part.extra)].add(series.*part.member);
  });
  page.family(name, "histogram", help);
  for (const auto& [labels, sum] : sums) {
    if (!sum.empty()) histogram(page, labels, sum);
  }
}

/// The value of one gauge or counter of a recorder.
template <std::size_t N, class Read>
void plain(Page& page, Recorders recorders, std::string_view type, const std::array<Row, N>& rows, Read&& read) {
  std::string_view family;
  for (std::size_t i = 0; i < N; ++i) {
    if (rows[i].family != family) page.family(rows[i].family, type, rows[i].help);
    family = rows[i].family;
    decltype(read(*recorders.front(), i)) total = 0;
    for (const Recorder* recorder : recorders) total += read(*recorder, i);
    page.sample("", rows[i].labels, total);
  }
}

void process_figures(Page& page, const Process& process) {
  page.single("cardea_log_lines_lost_total", "counter", "Log lines dropped because the log target was too slow.",
              process.log_lines_lost);
  std::string build;
  label(build, "version", process.version);
  label(build, "commit", process.commit);
  label(build, "compiler", process.compiler);
  page.family("cardea_build_info", "gauge", "Always 1; the labels say what runs.");
  page.sample("", build, 1);
  page.single("process_start_time_seconds", "gauge", "Start of the process, seconds since the epoch.",
              process.start_time_seconds);
  page.single("process_cpu_seconds_total", "counter", "User and system CPU time, seconds.", process.cpu_seconds);
  page.single("process_resident_memory_bytes", "gauge", "Resident memory, bytes.", process.resident_bytes);
  page.single("process_open_fds", "gauge", "Open file descriptors.", process.open_fds);
  page.single("process_max_fds", "gauge", "Limit of open file descriptors.", process.max_fds);
}

}  // namespace

std::string expose(Recorders recorders, const Process& process) {
  Page page;
  requests(page, recorders);
  errors(page, recorders);
  gen_ai(page, recorders, "gen_ai_server_request_duration_seconds", "Whole requests as the client saw them.",
         {{&Series::duration, ""}});
  gen_ai(page, recorders, "gen_ai_client_operation_duration_seconds", "Upstream calls, request sent to answer complete.",
         {{&Series::upstream, ""}});
  gen_ai(page, recorders, "gen_ai_server_time_to_first_token_seconds", "Start of the request to the first content sent.",
         {{&Series::first_token, ""}});
  gen_ai(page, recorders, "gen_ai_client_token_usage", "Tokens per request, by type.",
         {{&Series::input_tokens, R"(,gen_ai_token_type="input")"}, {&Series::output_tokens, R"(,gen_ai_token_type="output")"}});
  Sum overhead;
  for (const Recorder* recorder : recorders) overhead.add(recorder->state().overhead);
  page.family("cardea_overhead_seconds", "histogram", "The gateway's own share of a request's time.");
  if (overhead.scale != nullptr) histogram(page, "", overhead);
  plain(page, recorders, "gauge", gauge_rows, [](const Recorder& r, std::size_t i) { return r.state().gauge_values[i].get(); });
  plain(page, recorders, "counter", counter_rows,
        [](const Recorder& r, std::size_t i) { return r.state().counter_values[i].get(); });
  process_figures(page, process);
  return std::move(page).take();
}

}  // namespace cardea::record
