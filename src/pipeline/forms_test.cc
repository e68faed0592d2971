#include "pipeline/forms.h"

#include <gtest/gtest.h>

#include <memory>

#include "base/text.h"

namespace cardea::pipeline {
namespace {

struct Heard {
  std::string text;
  wire::RequestHead head;
};
std::unique_ptr<Heard> head_with(std::string_view lines) {
  auto out = std::make_unique<Heard>();
  out->text = cat("POST /cardea/v1/chat HTTP/1.1\r\nHost: h\r\n", lines, "\r\n");
  const auto parsed = wire::parse_request_head(out->text, {}, out->head);
  EXPECT_TRUE(parsed) << lines;
  return out;
}
std::string request_form(std::string_view content_type) {
  const auto heard = head_with(content_type.empty() ? "" : cat("Content-Type: ", content_type, "\r\n"));
  const auto form = form_of_request(heard->head);
  if (!form) return form.error().is(Kind::unsupported_media_type) ? "415" : "?";
  return *form == Form::xml ? "xml" : "json";
}
std::string answer_form(std::string_view lines) {
  const auto heard = head_with(lines);
  return form_of_answer(heard->head) == Form::xml ? "xml" : "json";
}

TEST(Forms, ABodyIsWhatItsTypeSays) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"", "json"},
      {"application/json", "json"},
      {"Application/JSON; charset=utf-8", "json"},
      {"application/xml", "xml"},
      {"text/xml", "xml"},
      {"text/xml;charset=\"UTF-8\"", "xml"},
      {"application/xml; version=1 ; charset=utf-8", "xml"},
      {"application/xml; charset=iso-8859-1", "415"},
      {"application/json; charset=utf-16", "415"},
      {"application/xml; charset", "415"},
      {"text/plain", "415"},
      {"application/soap+xml", "415"},
      {"application/x-www-form-urlencoded", "415"},
      {"xml", "415"},
  };
  for (const auto& [type, form] : rows) EXPECT_EQ(request_form(type), form) << type;
}

TEST(Forms, AnAnswerIsWhatIsWantedMost) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"", "json"},
      {"Accept: */*\r\n", "json"},
      {"Accept: application/xml\r\n", "xml"},
      {"accept: text/xml\r\n", "xml"},
      {"Accept: application/json, application/xml;q=0.9\r\n", "json"},
      {"Accept: application/json;q=0.5, application/xml;q=0.501\r\n", "xml"},
      {"Accept: application/json;q=0.5, text/xml;q=1.0\r\n", "xml"},
      {"Accept: */*, application/json;q=0.1\r\n", "xml"},
      {"Accept: application/*;q=0.2, application/xml;q=0\r\n", "json"},
      {"Accept: text/*\r\n", "xml"},
      {"Accept: text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8\r\n", "xml"},
      {"Accept: text/event-stream\r\n", "json"},
      {"Accept: text/event-stream\r\nAccept: application/xml\r\n", "xml"},
      // Both, or neither: as the request came.
      {"Content-Type: application/xml\r\n", "xml"},
      {"Content-Type: application/xml\r\nAccept: */*\r\n", "xml"},
      {"Content-Type: application/xml\r\nAccept: image/png\r\n", "xml"},
      {"Content-Type: text/xml; charset=utf-8\r\nAccept: application/xml, application/json\r\n", "xml"},
      {"Content-Type: application/xml\r\nAccept: application/json\r\n", "json"},
      {"Content-Type: text/plain\r\n", "json"},
      {"Content-Type: application/xml\r\nAccept: application/json;q=banana\r\n", "json"},
  };
  for (const auto& [lines, form] : rows) EXPECT_EQ(answer_form(lines), form) << lines;
}

TEST(Forms, APictureItselfIsWantedWhereNoDocumentIs) {
  constexpr std::pair<std::string_view, bool> cases[] = {
      {"Accept: image/png\r\n", true},
      {"Accept: image/*;q=0.5\r\n", true},
      {"Accept: IMAGE/webp, */*;q=0.1\r\n", true},
      {"Accept: image/png, application/json\r\n", false},
      {"Accept: text/html, image/avif, */*\r\n", false},
      {"Accept: */*\r\n", false},
      {"Accept: imagery/png\r\n", false},
      {"", false},
  };
  for (const auto& [lines, wanted] : cases) {
    const auto heard = head_with(lines);
    EXPECT_EQ(wants_picture(heard->head), wanted) << lines;
  }
}

}  // namespace
}  // namespace cardea::pipeline
