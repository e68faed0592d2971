#include "dialect/drawing.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/base64.h"
#include "wire/sniff.h"

namespace cardea::dialect {

using model::Draw;
using model::Picture;

// ---- what is lost ----------------------------------------------------------------------------------------------------------

namespace {

bool wants(const std::optional<std::string>& word, std::string_view usual) { return word && *word != "auto" && *word != usual; }

struct Wish {
  unsigned bit;
  std::string_view field;
  Loss::Weight weight;
  bool (*asked)(const Draw& draw);
};
using enum Loss::Weight;
constexpr Wish wishes[] = {
    {wish::negative_prompt, "negative_prompt", meaning, [](const Draw& d) { return !d.negative_prompt.value_or("").empty(); }},
    {wish::mask, "mask", meaning, [](const Draw& d) { return d.mask.has_value(); }},
    {wish::count, "count", meaning, [](const Draw& d) { return d.count.value_or(1) > 1; }},
    {wish::quality, "quality", detail, [](const Draw& d) { return wants(d.quality, "auto"); }},
    {wish::style, "style", detail, [](const Draw& d) { return wants(d.style, "auto"); }},
    {wish::background, "background", meaning, [](const Draw& d) { return wants(d.background, "opaque"); }},
    {wish::moderation, "moderation", detail, [](const Draw& d) { return wants(d.moderation, "auto"); }},
    {wish::fidelity, "fidelity", detail, [](const Draw& d) { return d.fidelity.has_value(); }},
    {wish::file_type, "file_type", detail, [](const Draw& d) { return wants(d.file_type, "png"); }},
    {wish::compression, "compression", detail, [](const Draw& d) { return d.compression.has_value(); }},
    {wish::seed, "seed", detail, [](const Draw& d) { return d.seed.has_value(); }},
    {wish::steps, "steps", detail, [](const Draw& d) { return d.steps.has_value(); }},
    {wish::guidance, "guidance", detail, [](const Draw& d) { return d.guidance.has_value(); }},
    {wish::strength, "strength", detail, [](const Draw& d) { return d.strength.has_value(); }},
    {wish::user, "user", detail, [](const Draw& d) { return d.user.has_value(); }}};

}  // namespace

void lose_wishes(const Draw& draw, unsigned said, Losses& losses) {
  for (const auto& one : wishes) {
    if ((said & one.bit) == 0 && one.asked(draw)) losses.add(std::string{one.field}, Losses::unsupported, one.weight);
  }
  for (const auto& extra : draw.extras) {
    // Who wants events can read no document.
    losses.add(extra.key, Losses::unsupported, extra.key == "stream" ? meaning : detail);
  }
}

namespace {

/// Of "16:9": 16/9; 0 when it is none.
double quotient_of(std::string_view ratio) {
  const auto colon = std::min(ratio.find(':'), ratio.size());
  const auto width = parse_number<std::uint32_t>(ratio.substr(0, colon));
  const auto height = parse_number<std::uint32_t>(ratio.substr(std::min(colon + 1, ratio.size())));
  return width && height && *width != 0 && *height != 0 ? static_cast<double>(*width) / *height : 0;
}

}  // namespace

std::string_view ratio_of(const Draw& draw, std::span<const Ratio> ratios, Losses& losses) {
  if (!draw.size && !draw.aspect_ratio) return {};
  const double wanted = draw.size ? static_cast<double>(draw.size->width) / draw.size->height : quotient_of(*draw.aspect_ratio);
  if (wanted <= 0) {
    losses.meaning("aspect_ratio", "it is no ratio such as 16:9");
    return {};
  }
  // Twice as wide is as far away as half as wide.
  const auto distance = [&](const Ratio& one) { return std::abs(std::log(quotient_of(one.name) / wanted)); };
  const auto& nearest = *std::ranges::min_element(ratios, {}, distance);
  if (draw.size) {
    const bool exact = draw.size->width == nearest.width && draw.size->height == nearest.height;
    if (!exact) losses.detail("size", cat("it draws ", nearest.name, ", of a size of its own"));
    // Said twice, and not the same: the size is what counts.
    if (draw.aspect_ratio && *draw.aspect_ratio != nearest.name) losses.detail("aspect_ratio", "the size says otherwise");
  } else if (nearest.name != *draw.aspect_ratio) {
    losses.detail("aspect_ratio", cat("the nearest that it draws is ", nearest.name));
  }
  return nearest.name;
}

void lose_ratio(const Draw& draw, Losses& losses) {
  if (!draw.aspect_ratio) return;
  losses.add("aspect_ratio", "it takes sizes alone", draw.size ? detail : meaning);
}

std::unexpected<Error> no_pictures_taken() {
  return bad_field("images", "cannot be given to this model, which draws from words alone; choose another model");
}
std::unexpected<Error> no_variations() {
  return bad_field("images", "cannot be varied by this model without words; ask for an edit, and say in a prompt what to change");
}

Status expect_bytes(const Draw& draw, std::size_t most, Losses& losses) {
  const auto expect = [](const Picture& picture, const std::string& path) -> Status {
    if (!picture.base64.empty()) return {};
    return bad_field(path, "is an address, which this model cannot be given; send the picture itself");
  };
  for (std::size_t i = 0; i < draw.images.size(); ++i) {
    const auto path = cat("images[", i, ']');
    if (i >= most) losses.meaning(path, "it takes no more pictures");
    if (auto status = expect(draw.images[i], path); !status) return status;
  }
  return draw.mask ? expect(*draw.mask, "mask") : Status{};
}

std::unexpected<Error> held_back(std::string_view why) {
  auto message = std::string{"the provider's own judgement held the picture back"};
  if (!why.empty()) append(message, cat(": ", why));
  return fail(Kind::upstream_rejected, Error::Detail{.message = std::move(message), .code = "moderation_blocked", .status = 400});
}
std::unexpected<Error> drew_nothing(std::string_view why) {
  if (why.empty()) return fail(Kind::upstream_failed, "the upstream answered without a picture");
  return fail(Kind::upstream_failed, cat("the upstream answered without a picture: ", why));
}

// ---- pictures --------------------------------------------------------------------------------------------------------------

namespace {

constexpr std::string_view base64_mark = ";base64,";

/// What is behind the mark of a `data:` URL; nothing when it is none, or its data are percent-encoded.
std::optional<std::string_view> data_of(std::string_view address) {
  if (!iequals(address.substr(0, 5), "data:")) return std::nullopt;
  const auto mark = address.find(base64_mark);
  if (mark == std::string_view::npos) return std::nullopt;
  return address.substr(mark + base64_mark.size());
}
bool is_web(std::string_view address) {
  return iequals(address.substr(0, 8), "https://") || iequals(address.substr(0, 7), "http://");
}

/// Of the first bytes: enough of the base64 for a signature.
std::string_view sniffed(std::string_view base64) {
  constexpr std::size_t characters = (wire::sniff_bytes + 2) / 3 * 4;
  const auto head = from_base64(base64.substr(0, std::min(characters, base64.size())));
  return head ? wire::sniff(std::string_view{*head}.substr(0, wire::sniff_bytes)).type : std::string_view{};
}

bool is_plain_base64(std::string_view text) { return text.size() % 4 == 0 && text.find_first_of("-_") == std::string_view::npos; }

}  // namespace

Result<Picture> picture_of_bytes(std::string_view bytes, std::string_view path) {
  const auto head = bytes.substr(0, wire::sniff_bytes);
  const auto tail = bytes.substr(bytes.size() - std::min(bytes.size(), wire::sniff_bytes));
  const auto sniffed = wire::sniff(head);
  if (sniffed.kind() != "image") return bad_field(path, "is no picture");
  if (!wire::ends_whole(sniffed.type, head, tail, bytes.size())) {
    return bad_field(path, cat("is a picture that ends early (", sniffed.type, ')'));
  }
  return Picture{.base64 = to_base64(bytes), .url = {}, .media_type = std::string{sniffed.type}};
}

Result<Picture> picture_of_address(std::string_view address, std::string_view path) {
  if (is_web(address)) return Picture{.base64 = {}, .url = std::string{address}, .media_type = {}};
  const auto data = data_of(address);
  if (!data) return bad_field(path, "must be an address (https://…), or a picture as data:image/png;base64,…");
  const auto bytes = from_base64(*data);
  if (!bytes) return bad_field(path, "holds no valid base64");
  return picture_of_bytes(*bytes, path);
}

Result<Picture> answered_base64(std::string text, std::string_view path) {
  if (const auto data = data_of(text)) text.erase(0, static_cast<std::size_t>(data->data() - text.data()));
  // A whole decoding is dear, and the client does it anyway; the beginning tells what it is.
  if (text.empty() || (!is_plain_base64(text) && !from_base64(text))) return bad_field(path, "is no picture in base64");
  if (!is_plain_base64(text)) text = to_base64(*from_base64(text));
  Picture out{.base64 = std::move(text), .url = {}, .media_type = {}};
  out.media_type = sniffed(out.base64);
  return out;
}

Result<Picture> answered_address(std::string text, std::string_view path) {
  if (data_of(text)) return answered_base64(std::move(text), path);
  if (!is_web(text)) return bad_field(path, "is no address");
  return Picture{.base64 = {}, .url = std::move(text), .media_type = {}};
}

std::string type_of(const Picture& picture) {
  if (!picture.media_type.empty()) return picture.media_type;
  const auto type = sniffed(picture.base64);
  return std::string{type.empty() ? "image/png" : type};
}

std::string address_of(const Picture& picture) {
  return picture.base64.empty() ? picture.url : cat("data:", type_of(picture), base64_mark, picture.base64);
}

void fit_pictures(const Draw& asked, model::Drawn& answer, Losses& losses) {
  if (!answer.file_type && !answer.pictures.empty()) {
    const std::string_view type = answer.pictures.front().picture.media_type;
    if (type.starts_with("image/")) answer.file_type = std::string{type.substr(type.find('/') + 1)};
  }
  if (!asked.count) return;
  if (answer.pictures.size() > *asked.count) answer.pictures.resize(static_cast<std::size_t>(*asked.count));
  if (answer.pictures.size() < *asked.count) losses.detail("count", "it drew fewer");
}

}  // namespace cardea::dialect
