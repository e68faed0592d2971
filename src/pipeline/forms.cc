#include "pipeline/forms.h"

#include <algorithm>
#include <optional>

#include "base/text.h"

namespace cardea::pipeline {
namespace {

/// Takes what stands before the next `;` off the front.
std::string_view take_piece(std::string_view& text) {
  const auto end = text.find(';');
  const auto piece = trim(text.substr(0, end));
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return piece;
}

struct Parameter {
  std::string_view name, value;
};
Parameter parameter_of(std::string_view piece) {
  const auto equals = piece.find('=');
  if (equals == std::string_view::npos) return {piece, {}};
  auto value = trim(piece.substr(equals + 1));
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
  return {trim(piece.substr(0, equals)), value};
}

std::optional<Form> form_of_type(std::string_view type) {
  if (iequals(type, "application/json")) return Form::json;
  if (iequals(type, "application/xml") || iequals(type, "text/xml")) return Form::xml;
  return std::nullopt;
}

/// A weight in thousandths; one that is not spelled as it should be counts as 1.
int weight_of(std::string_view text) {
  if (text.empty() || (text[0] != '0' && text[0] != '1')) return 1000;
  int value = (text[0] - '0') * 1000;
  for (std::size_t i = 2, unit = 100; i < text.size() && i < 5; ++i, unit /= 10) {
    if (text[1] != '.' || text[i] < '0' || text[i] > '9') return 1000;
    value += (text[i] - '0') * static_cast<int>(unit);
  }
  return std::min(value, 1000);
}

/// How much one form is wanted: the most specific range that names it decides.
struct Wish {
  int precision = 0;  ///< 0: not named
  int weight = 0;
  void hear(int precise, int weigh) {
    if (precise < precision) return;
    weight = precise > precision ? weigh : std::max(weight, weigh);
    precision = precise;
  }
};

struct Wishes {
  Wish json, xml;
  void hear(std::string_view range) {
    const auto type = take_piece(range);
    int weight = 1000;
    while (!range.empty()) {
      const auto parameter = parameter_of(take_piece(range));
      if (iequals(parameter.name, "q")) weight = weight_of(parameter.value);
    }
    const auto form = form_of_type(type);
    const bool all = type == "*/*";
    const bool applications = iequals(type, "application/*");
    if (form == Form::json) json.hear(3, weight);
    if (form == Form::xml) xml.hear(3, weight);
    if (applications || all) json.hear(all ? 1 : 2, weight);
    if (applications || all || iequals(type, "text/*")) xml.hear(all ? 1 : 2, weight);
  }
};

}  // namespace

Result<Form> form_of_request(const wire::RequestHead& head) {
  auto rest = head.find(wire::Field::content_type).value_or("");
  if (trim(rest).empty()) return Form::json;
  const auto type = take_piece(rest);
  const auto form = form_of_type(type);
  if (!form) {
    return fail(Kind::unsupported_media_type,
                cat("the content type '", type.substr(0, 64), "' is not read here; send application/json or application/xml"));
  }
  while (!rest.empty()) {
    const auto parameter = parameter_of(take_piece(rest));
    if (iequals(parameter.name, "charset") && !iequals(parameter.value, "utf-8")) {
      return fail(Kind::unsupported_media_type,
                  cat("the charset '", parameter.value.substr(0, 64), "' is not read here; send UTF-8"));
    }
  }
  return *form;
}

Form form_of_answer(const wire::RequestHead& head) {
  Wishes wishes;
  const wire::HeaderTable& headers = head.headers();
  for (std::size_t i = 0; i < headers.size(); ++i) {
    if (headers.field(i) == wire::Field::accept) {
      for_each_in_list(headers[i].value, [&](std::string_view range) { wishes.hear(range); });
    }
  }
  if (wishes.xml.weight != wishes.json.weight) return wishes.xml.weight > wishes.json.weight ? Form::xml : Form::json;
  auto came = head.find(wire::Field::content_type).value_or("");
  return form_of_type(take_piece(came)).value_or(Form::json);
}

bool wants_picture(const wire::RequestHead& head) {
  bool image = false;
  bool document = false;
  const wire::HeaderTable& headers = head.headers();
  for (std::size_t i = 0; i < headers.size(); ++i) {
    if (headers.field(i) != wire::Field::accept) continue;
    for_each_in_list(headers[i].value, [&](std::string_view range) {
      const std::string_view type = take_piece(range);
      image = image || (type.size() > 6 && iequals(type.substr(0, 6), "image/"));
      document = document || iequals(type, "application/json") || iequals(type, "text/html");
    });
  }
  return image && !document;
}

}  // namespace cardea::pipeline
