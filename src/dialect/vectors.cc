#include "dialect/vectors.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

#include "base/base64.h"
#include "dialect/openai_chat/media.h"

namespace cardea::dialect {
namespace {

using json::Type;

static_assert(sizeof(float) == 4 && std::endian::native == std::endian::little, "float32, little-endian, as the wire has it");

/// A JSON number, rounded once to float32.
std::optional<float> to_float(std::string_view text) {
  float value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() || text.empty()) return std::nullopt;
  if (error == std::errc{}) return std::isfinite(value) ? std::optional{value} : std::nullopt;
  // Out of range: too small is next to nothing, too large is an error.
  double wide = 0;
  const auto again = std::from_chars(text.data(), text.data() + text.size(), wide);
  const bool small = again.ec == std::errc{} ? std::abs(wide) < 1 : text.find("e-") != std::string_view::npos;
  return small ? std::optional{static_cast<float>(again.ec == std::errc{} ? wide : 0)} : std::nullopt;
}

bool is_base64_encoding(std::string_view encoding) { return encoding == "base64"; }

/// The vector in another encoding, where that is a matter of writing alone.
std::optional<model::Json> recoded(const model::Vector& vector, std::string_view wanted) {
  if (vector.encoding == wanted) return vector.value;
  if (vector.encoding == "float" && is_base64_encoding(wanted)) {
    auto text = base64_of_floats(vector.value.text);
    if (!text) return std::nullopt;
    return model::Json{json::quote(*text)};
  }
  if (is_base64_encoding(vector.encoding) && wanted == "float") {
    auto text = floats_of_base64(std::string_view{vector.value.text}.substr(1, vector.value.text.size() - 2));
    if (!text) return std::nullopt;
    return model::Json{std::move(*text)};
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> base64_of_floats(std::string_view array) {
  std::string bytes;
  const auto inside = array.substr(1, array.size() - 2);
  for (std::size_t at = 0; at < inside.size();) {
    const auto comma = std::min(inside.find(',', at), inside.size());
    const auto value = to_float(inside.substr(at, comma - at));
    if (!value) return std::nullopt;
    const auto raw = std::bit_cast<std::array<char, 4>>(*value);
    bytes.append(raw.data(), raw.size());
    at = comma + 1;
  }
  return to_base64(bytes);
}

std::optional<std::string> floats_of_base64(std::string_view base64) {
  const auto bytes = from_base64(base64);
  if (!bytes || bytes->size() % 4 != 0) return std::nullopt;
  std::string out{"["};
  out.reserve(bytes->size() * 3);
  for (std::size_t at = 0; at < bytes->size(); at += 4) {
    std::array<char, 4> raw{};
    std::copy_n(bytes->data() + at, raw.size(), raw.data());
    const auto value = std::bit_cast<float>(raw);
    if (!std::isfinite(value)) return std::nullopt;
    if (at != 0) out.push_back(',');
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    out.append(digits.data(), end);
  }
  out.push_back(']');
  return out;
}

Status fit_vectors(const model::Embed& asked, model::Embedded& answer, Losses& losses) {
  const std::vector<std::string> usual{"float"};
  const auto& wanted = asked.encodings ? *asked.encodings : usual;
  const auto wrong = [](std::string message) { return fail(Kind::upstream_protocol, std::move(message)); };
  std::vector<std::vector<const model::Vector*>> given(asked.inputs.size());
  for (const auto& vector : answer.vectors) {
    if (vector.index >= given.size())
      return wrong(cat("it answered with a vector for an input that is not there: ", vector.index));
    auto& there = given[vector.index];
    const bool twice = std::ranges::any_of(there, [&](const auto* other) { return other->encoding == vector.encoding; });
    if (twice) return wrong(cat("it answered twice for input ", vector.index));
    there.push_back(&vector);
  }
  std::vector<model::Vector> out;
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (given[i].empty()) return wrong(cat("it answered without a vector for input ", i));
    for (const auto& encoding : wanted) {
      std::optional<model::Json> value;
      bool number_lost = false;
      for (const auto* vector : given[i]) {
        if (!value) value = recoded(*vector, encoding);
        number_lost = number_lost || (!value && (encoding == "float" || encoding == "base64"));
      }
      if (!value && number_lost) return wrong(cat("its vector for input ", i, " holds what is no number"));
      if (!value) losses.detail("encodings", "the answer has other numbers than were asked for");
      out.push_back({i, value ? encoding : given[i].front()->encoding, value ? std::move(*value) : given[i].front()->value});
    }
  }
  answer.vectors = std::move(out);
  return {};
}

std::string neutral_word(std::span<const Word> table, std::string_view own) {
  const auto row = std::ranges::find_if(table, [&](const Word& word) { return iequals(word.second, own); });
  return std::string{row != table.end() ? row->first : own};
}

std::optional<std::string_view> own_word(std::span<const Word> table, std::string_view neutral) {
  const auto row = std::ranges::find(table, neutral, &Word::first);
  return row != table.end() ? std::optional{row->second} : std::nullopt;
}

std::optional<std::string> text_of(const model::EmbedInput& input) {
  if (const auto* text = std::get_if<std::string>(&input.value)) return *text;
  const auto* parts = std::get_if<std::vector<model::Part>>(&input.value);
  if (parts == nullptr || parts->empty()) return std::nullopt;
  std::string out;
  for (const auto& part : *parts) {
    const auto* text = std::get_if<model::Text>(&part.value);
    if (text == nullptr) return std::nullopt;
    if (!out.empty()) out.push_back('\n');
    out += text->text;
  }
  return out;
}

std::unexpected<Error> unsayable(std::size_t index, const model::EmbedInput& input) {
  const bool tokens = std::holds_alternative<model::Tokens>(input.value);
  return bad_field(cat("inputs[", index, ']'), tokens ? "is made of tokens, which this model cannot be sent; send the text"
                                                      : "holds an image, which this model cannot be sent");
}

Result<std::vector<std::string>> texts_of(const model::Embed& request) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < request.inputs.size(); ++i) {
    auto text = text_of(request.inputs[i]);
    if (!text) return unsayable(i, request.inputs[i]);
    out.push_back(std::move(*text));
  }
  return out;
}

Result<std::vector<model::Part>> read_content(const Raw& list, std::string_view path) {
  std::vector<model::Part> out;
  Status status;
  list.each_element([&](const Raw& part) {
    const auto where = cat(path, '[', out.size(), ']');
    auto type = required_text(part, "type", where);
    if (!type) {
      status = fail_with(type);
    } else if (*type == "text") {
      auto text = required_text(part, "text", where);
      if (!text) status = fail_with(text);
      if (text) out.push_back({.value = model::Text{.text = std::move(*text), .citations = {}}, .cache = {}, .extras = {}});
    } else if (*type == "image_url") {
      const auto image = part.find("image_url");
      auto url = image && image->is(Type::string) ? Result<std::string>{image->string()}
                 : image                          ? required_text(*image, "url", cat(where, ".image_url"))
                                                  : Result<std::string>{bad_field(cat(where, ".image_url"), "is missing")};
      if (!url) status = fail_with(url);
      if (url)
        out.push_back({.value = model::Image{.media = openai::media_of_url(*url), .detail = {}}, .cache = {}, .extras = {}});
    } else {
      status = bad_field(cat(where, ".type"), cat("must be \"text\" or \"image_url\", not \"", *type, '"'));
    }
    return status.has_value();
  });
  if (!status) return fail_with(status);
  if (out.empty()) return bad_field(path, "is empty; give at least one element");
  return out;
}

void write_content(json::Writer& w, std::span<const model::Part> parts) {
  w.begin_array();
  for (const auto& part : parts) {
    w.begin_object();
    if (const auto* text = std::get_if<model::Text>(&part.value)) {
      w.key("type").string("text");
      w.key("text").string(text->text);
    } else if (const auto* image = std::get_if<model::Image>(&part.value)) {
      w.key("type").string("image_url");
      w.key("image_url").begin_object();
      w.key("url").string(image->media.url ? *image->media.url : openai::data_url(image->media, openai::Origin::other));
      w.end_object();
    }
    w.end_object();
  }
  w.end_array();
}

Status read_texts(const Raw& value, std::string_view path, std::vector<model::EmbedInput>& out) {
  if (value.is(Type::string)) {
    out.push_back({value.string(), {}});
    return {};
  }
  std::optional<std::vector<std::string>> texts;
  if (auto status = read(value, path, texts); !status) return status;
  if (texts->empty()) return bad_field(path, "is empty; give at least one element");
  for (auto& text : *texts) out.push_back({std::move(text), {}});
  return {};
}

namespace {

/// An array of integers, as one input.
Status read_tokens(const Raw& list, const std::string& path, std::vector<model::EmbedInput>& out) {
  Status status;
  if (list.empty_list()) return bad_field(path, "is empty; give at least one token");
  list.each_element([&](const Raw& id) {
    const bool integer = id.is(Type::number) && json::to_u64(id.text()).has_value();
    if (!integer) status = bad_field(path, "must hold tokens alone: integers of 0 or more");
    return integer;
  });
  if (status) out.push_back({model::Tokens{list.compact()}, {}});
  return status;
}

}  // namespace

Status read_inputs(const Raw& value, std::string_view path, ReadObject object, std::vector<model::EmbedInput>& out) {
  if (value.is(Type::string)) return read_texts(value, path, out);
  if (!value.is(Type::array)) return wrong_type(path, "a string or an array", value.type());
  if (value.empty_list()) return bad_field(path, "is empty; give at least one element");
  Status status;
  bool tokens = false;
  value.each_element([&](const Raw& element) {
    const auto where = cat(path, '[', out.size(), ']');
    switch (element.type()) {
      case Type::string: out.push_back({element.string(), {}}); break;
      case Type::array: status = read_tokens(element, where, out); break;
      case Type::number: tokens = true; return false;
      default: {
        if (object == nullptr || !element.is(Type::object)) {
          status = wrong_type(where, "a string or an array of tokens", element.type());
          break;
        }
        auto input = object(element, where);
        if (!input) status = fail_with(input);
        if (input) out.push_back(std::move(*input));
      }
    }
    return status.has_value();
  });
  if (!tokens) return status;
  if (!out.empty()) return bad_field(path, "must hold tokens alone, or texts alone");
  return read_tokens(value, std::string{path}, out);
}

Result<model::Vector> read_vector(const Raw& value, std::uint64_t index, const std::string& path) {
  if (value.is(Type::string)) return model::Vector{index, "base64", {json::quote(value.string())}};
  if (!value.is(Type::array)) return wrong_type(path, "an array of numbers", value.type());
  bool numbers = true;
  value.each_element([&](const Raw& number) { return numbers = number.is(Type::number); });
  if (!numbers || value.empty_list()) return bad_field(path, "must hold numbers alone, and at least one");
  return model::Vector{index, "float", value.compact()};
}

Status read_vectors(const Raw& list, std::string_view encoding, std::string_view path, std::vector<model::Vector>& out) {
  if (!list.is(Type::array)) return wrong_type(path, "an array", list.type());
  Status status;
  std::uint64_t index = 0;
  list.each_element([&](const Raw& element) {
    auto vector = read_vector(element, index, cat(path, '[', index, ']'));
    if (!vector) status = fail_with(vector);
    if (vector && vector->encoding == "float") vector->encoding = encoding;
    if (vector) out.push_back(std::move(*vector));
    ++index;
    return status.has_value();
  });
  return status;
}

void write_vectors(json::Writer& w, std::span<const model::Vector> vectors, std::string_view encoding) {
  w.begin_array();
  for (const auto& vector : vectors) {
    if (vector.encoding == encoding) w.raw(vector.value.text);
  }
  w.end_array();
}

std::string_view encoding_of(const model::Embed& request) {
  return request.encodings && request.encodings->size() == 1 ? std::string_view{request.encodings->front()} : "float";
}

void lose_encodings(const model::Embed& request, Losses& losses) {
  const auto made = [](const std::string& word) { return word == "float" || word == "base64"; };
  if (request.encodings && !std::ranges::all_of(*request.encodings, made)) {
    losses.meaning("encodings", "its vectors are float numbers alone");
  }
}

void lose_title(const model::Embed& request, Losses& losses) {
  const bool any = std::ranges::any_of(request.inputs, [](const auto& input) { return input.title.has_value(); });
  if (any) losses.detail("title");
}

}  // namespace cardea::dialect
