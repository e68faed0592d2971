#include "testing/gateway/message.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "wire/sse.h"

namespace cardea::testing {
namespace {

void fail_at(const Answer::Where& where, const std::string& message, const Answer& answer) {
  ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line()))
      << message << "\nThe answer" << (answer.whole ? "" : " (not whole)") << ":\n"
      << answer.head << answer.body.substr(0, 2000);
}

const json::Value* look(const json::Value* here, std::string_view path) {
  while (!path.empty() && here != nullptr) {
    const auto dot = std::min(path.find('.'), path.size());
    const auto step = path.substr(0, dot);
    path.remove_prefix(std::min(path.size(), dot + 1));
    const auto index = parse_number<std::size_t>(step);
    if (index && here->is(json::Type::array)) {
      here = *index < here->elements().size() ? &here->elements()[*index] : nullptr;
    } else {
      here = here->find(step);
    }
  }
  return here;
}

/// How many bytes of `rest` the body takes, decoded into the answer; `whole` says whether it ended.
std::size_t take_body(const wire::ResponseHead& head, std::string_view rest, Answer::Source source, Answer& answer) {
  switch (head.framing()) {
    case wire::Framing::none: answer.whole = true; return 0;
    case wire::Framing::until_close:
      answer.body = rest;
      answer.whole = source == Answer::Source::ended;
      return rest.size();
    case wire::Framing::length:
      answer.body = rest.substr(0, head.content_length());
      answer.whole = answer.body.size() == head.content_length();
      return answer.body.size();
    case wire::Framing::chunked: break;
  }
  wire::ChunkedDecoder decoder{Kind::bad_request};
  std::size_t used = 0;
  while (used < rest.size() && !decoder.done()) {
    const auto step = decoder.feed(rest.substr(used));
    if (!step) break;
    answer.body += step->data;
    used += step->consumed;
  }
  answer.whole = decoder.done();
  return used;
}

}  // namespace

std::string request(std::string_view method, std::string_view target, Lines headers, std::string_view body) {
  const std::string length = body.empty() ? std::string{} : cat("Content-Length: ", body.size(), "\r\n");
  return cat(method, " ", target, " HTTP/1.1\r\nHost: localhost\r\n", headers, length, "\r\n", body);
}

std::string chat_request(std::string_view body, Lines headers) { return request("POST", "/v1/chat/completions", headers, body); }

std::string response(unsigned status, std::string_view body, Lines headers) {
  std::string text;
  wire::append_status_line(text, status);
  return cat(text, headers, "content-length: ", body.size(), "\r\n\r\n", body);
}

std::string stream_head() { return "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"; }

std::string chunk(std::string_view data) {
  if (data.empty()) return "0\r\n\r\n";
  char prefix[wire::chunk_prefix_bytes];
  return cat(wire::chunk_prefix(data.size(), prefix), data, "\r\n");
}

std::optional<Answer> Answer::take(std::string& bytes, wire::Method method, Source source) {
  Answer answer;
  wire::ResponseHead head;
  std::size_t used = 0;
  do {  // interim answers are read over
    bytes.erase(0, used);
    Result<std::size_t> parsed = wire::parse_response_head(bytes, {}, method, head);
    if (!parsed || *parsed == 0) {
      if (parsed && source == Source::open) return std::nullopt;
      answer.body = std::exchange(bytes, {});
      return answer;
    }
    used = *parsed;
  } while (head.informational());
  answer.status = head.status();
  answer.head = bytes.substr(0, used);
  used += take_body(head, std::string_view{bytes}.substr(used), source, answer);
  if (!answer.whole && source == Source::open) return std::nullopt;
  bytes.erase(0, used);
  return answer;
}

std::optional<std::string> Answer::header(std::string_view name) const {
  wire::ResponseHead parsed;
  if (!wire::parse_response_head(head, {}, wire::Method::get, parsed)) return std::nullopt;
  const auto value = parsed.find(name);
  if (!value) return std::nullopt;
  return std::string{*value};
}

json::Value Answer::json() const { return json::parse(body).value_or(json::Value{}); }

std::string Answer::text_at(std::string_view json, std::string_view path) {
  const Result<json::Value> value = json::parse(json);
  const json::Value* found = value ? look(&*value, path) : nullptr;
  if (found == nullptr) return "(none)";
  return found->as_string() != nullptr ? *found->as_string() : found->dump();
}

std::vector<std::string> Answer::events() const {
  std::vector<std::string> all;
  wire::EventCutter cutter{body.size() + 1};
  std::string scratch;
  for (std::string_view rest = body; !rest.empty();) {
    const auto next = cutter.next(rest);
    const std::size_t size = next && *next != 0 ? *next : cutter.finish(rest);
    if (size == 0) break;
    const auto event = wire::parse_event(rest.substr(0, size), scratch);
    if (event.has_data) all.emplace_back(event.data);
    rest.remove_prefix(size);
  }
  return all;
}

const Answer& Answer::expect_status(unsigned wanted, Where where) const {
  if (status != wanted) fail_at(where, cat("status ", status, ", not ", wanted), *this);
  if (!whole) fail_at(where, "the answer is not whole", *this);
  return *this;
}

const Answer& Answer::expect_header(std::string_view name, std::string_view value, Where where) const {
  const auto found = header(name);
  if (!found) fail_at(where, cat("no header ", name), *this);
  if (found && *found != value) fail_at(where, cat(name, " is '", *found, "', not '", value, "'"), *this);
  return *this;
}

const Answer& Answer::expect_no_header(std::string_view name, Where where) const {
  if (header(name)) fail_at(where, cat("there is a header ", name), *this);
  return *this;
}

const Answer& Answer::expect_body(std::string_view wanted, Where where) const {
  if (body != wanted) fail_at(where, cat("the body is not:\n", wanted), *this);
  return *this;
}

const Answer& Answer::expect_error(unsigned wanted, std::string_view type, std::string_view code, Where where) const {
  expect_status(wanted, where);
  expect_header("content-type", "application/json", where);
  if (at("error.type") != type) fail_at(where, cat("error.type is not ", type), *this);
  const std::string_view expected_code = code.empty() ? "null" : code;
  if (at("error.code") != expected_code) fail_at(where, cat("error.code is not ", expected_code), *this);
  if (at("error.message") == "(none)" || at("error.param") == "(none)") fail_at(where, "an incomplete error", *this);
  return *this;
}

const Answer& Answer::expect_error_event(std::string_view code, Where where) const {
  expect_status(200, where);
  const auto all = events();
  if (all.empty() || text_at(all.back(), "error.code") != code) fail_at(where, cat("the last event is no error ", code), *this);
  if (all.empty() || text_at(all.back(), "error.message") == "(none)") fail_at(where, "the error has no message", *this);
  for (const auto& event : all) {
    if (event == "[DONE]") fail_at(where, "there is a [DONE] in a broken stream", *this);
  }
  return *this;
}

}  // namespace cardea::testing
