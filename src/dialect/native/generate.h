#pragma once
// Tests only: values of everything that the table of shape.h holds. One seed, one value.

#include <array>

#include "base/random.h"
#include "base/text.h"
#include "dialect/native/codec.h"
#include "dialect/native/task_shape.h"

namespace cardea::dialect::native_format {

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_{seed} {}

  template <class T>
  T make() {
    T out{};
    fill(out);
    return out;
  }
  model::Chat chat() {
    auto out = make<model::Chat>();
    constexpr std::array<std::string_view, 3> dialects{"native", "openai_chat", "anthropic"};
    out.dialect = dialects[random_.below(dialects.size())];
    if (out.model.empty()) out.model = "m";
    if (out.messages.empty()) out.messages.emplace_back();
    if (out.n == 0U) out.n = 2;
    for (auto& message : out.messages) {
      for (auto& part : message.parts) {
        auto* audio = std::get_if<model::Audio>(&part.value);
        if (audio != nullptr && !audio->media.url && !audio->media.id) audio->media.base64 = "UklGRg==";
      }
    }
    return out;
  }
  model::Answer answer() {
    auto out = make<model::Answer>();
    out.dialect = maybe() ? "native" : "cohere";
    if (out.choices.empty()) out.choices.emplace_back();
    return out;
  }
  /// A whole stream, in order.
  std::vector<model::ChatEvent> events() {
    std::vector<model::ChatEvent> out{make<model::event::Start>()};
    for (auto n = random_.below(9); n > 0; --n) {
      auto said = make<Said>();
      std::visit(
          [&]<class E>(E& one) {
            constexpr bool frame =
                std::is_same_v<E, Failure> || std::is_same_v<E, model::event::Start> || std::is_same_v<E, model::event::End>;
            if constexpr (!frame) out.emplace_back(std::move(one));
          },
          said);
    }
    out.emplace_back(model::event::End{});
    return out;
  }
  bool maybe() { return random_.below(2) == 0; }
  std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }

 private:
  template <class T>
  void fill(T& out) {
    if constexpr (is_optional<T>) {
      if (random_.below(3) == 0) fill(out.emplace());
    } else if constexpr (std::is_same_v<T, std::string>) {
      out = text();
    } else if constexpr (std::is_same_v<T, bool>) {
      out = maybe();
    } else if constexpr (std::is_same_v<T, std::uint64_t>) {
      out = random_.next() >> random_.below(64);
    } else if constexpr (std::is_same_v<T, model::Number>) {
      constexpr std::array<std::string_view, 6> all{"0", "0.70", "-1e-3", "18446744073709551616", "1E+2", "-0.0"};
      out.text = all[random_.below(all.size())];
    } else if constexpr (std::is_same_v<T, model::Json>) {
      constexpr std::array<std::string_view, 7> all{
          R"({"a":"<&>\u0001","b":[1,2.50,null]})", "\"x\\r\\n\"", "null", "[]", "18446744073709551616", "\"\xEF\xBF\xBF\"",
          R"({"type":"object","properties":{}})"};
      out.text = all[random_.below(all.size())];
    } else if constexpr (std::is_enum_v<T>) {
      out = static_cast<T>(random_.below(Words<T>::all.size()));
    } else if constexpr (std::is_same_v<T, model::Extras>) {
      for (auto n = random_.below(3); n > 0; --n) out.push_back({cat("vendor_", n, text()), make<model::Json>()});
    } else if constexpr (is_vector<T>) {
      for (auto n = depth_ > 3 ? 0 : random_.below(4); n > 0; --n) fill_nested(out.emplace_back());
    } else if constexpr (std::is_same_v<T, model::Metadata>) {
      out = {.key = text(), .value = text()};
    } else if constexpr (Mirrored<T>) {
      out = Shape<T>::read(make<typename Shape<T>::Written>());
    } else {
      fill_object(out);
    }
  }
  template <class T>
  void fill_nested(T& out) {
    ++depth_;
    fill(out);
    --depth_;
  }
  template <class T>
  void fill_object(T& out) {
    if constexpr (Tagged<T>) {
      auto& choice = choice_in(out);
      using Variant = std::remove_cvref_t<decltype(choice)>;
      auto left = random_.below(std::variant_size_v<Variant>);
      each_alternative<Variant>([&]<class A>() {
        if (left-- == 0) choice = make<A>();
      });
    }
    if constexpr (!is_variant<T>) {
      each_field<T>(out, [&](const auto&, auto& member) { fill(member); });
      mend(out);
    }
  }
  /// What the table says of a value as a whole.
  template <class T>
  void mend(T&) {}
  void mend(model::Image& image) { mend(image.media); }
  void mend(model::File& file) { mend(file.media); }
  void mend(model::Media& media) {
    const auto type = media.media_type;
    media = maybe() ? model::Media{.url = "https://example.org/" + text()} : model::Media{.base64 = "aGk="};
    if (random_.below(4) == 0) media = {.id = text()};
    media.media_type = type;
  }
  void mend(Input& input) {
    if (input.text) input = {.text = input.text, .title = input.title};
    if (input.tokens) input = {.tokens = model::Json{"[1,22]"}, .title = input.title};
    if (!input.text && !input.tokens && input.content.empty()) input.text = text();
  }
  void mend(Judged& input) {
    if (input.text) input.content.clear();
    if (!input.text && input.content.empty()) input.text = text();
  }
  void mend(model::Tokenize& asked) {
    if (asked.prompt) asked.messages.reset();
    if (!asked.messages && !asked.prompt) asked.prompt = text();
  }
  void mend(model::ToolResult& result) {
    std::erase_if(result.parts, [](const model::Part& part) { return std::holds_alternative<model::ToolResult>(part.value); });
  }
  void mend(model::Tool& tool) {
    if (tool.kind == model::Tool::Kind::built_in && !tool.builtin) tool.builtin = model::Json{R"({"type":"web_search"})"};
    if (tool.kind != model::Tool::Kind::built_in && tool.name.empty()) tool.name = "f";
  }
  void mend(model::ToolChoice& choice) {
    if (choice.mode == model::ToolChoice::Mode::named && choice.name.empty()) choice.name = "f";
    if (choice.mode == model::ToolChoice::Mode::raw && !choice.raw) choice.raw = model::Json{R"({"x":1})"};
  }
  void mend(model::ResponseFormat& format) {
    using Kind = model::ResponseFormat::Kind;
    if (format.kind == Kind::json_schema && !format.schema) format.schema = model::Json{R"({"type":"object"})"};
    if (format.kind == Kind::raw && !format.raw) format.raw = model::Json{R"({"x":1})"};
  }
  /// Everything that one of JSON, XML and events treats in its own way.
  std::string text() {
    constexpr std::array<std::string_view, 14> pieces{"a",    "Zz9", "\"",     "\\",           "\n",           "\t",
                                                      "\r\n", "\r",  "<&>]]>", "\xe2\x80\xa8", "\xef\xbf\xbe", "\xf0\x9f\x98\x80",
                                                      "  ",   "\x01"};
    std::string out;
    for (auto n = random_.below(5); n > 0; --n) out += pieces[random_.below(pieces.size())];
    if (random_.below(20) == 0) out.push_back('\0');
    return out;
  }

  Random random_;
  int depth_ = 0;
};

}  // namespace cardea::dialect::native_format
