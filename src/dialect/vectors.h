#pragma once
// Private to the room: embedding requests and answers as far as several formats share them, and numbers in their encodings.

#include <optional>
#include <string>
#include <string_view>

#include "dialect/raw.h"
#include "dialect/task.h"

namespace cardea::dialect {

/// A JSON array of numbers as base64 of little-endian float32; nothing when one is beyond float32, or no number. Each number is
/// rounded once, so that what was a float32 comes out as it was.
[[nodiscard]] std::optional<std::string> base64_of_floats(std::string_view array);
/// The way back, each number by the shortest text that reads back the same; nothing when it is no such base64 or a number is not
/// finite.
[[nodiscard]] std::optional<std::string> floats_of_base64(std::string_view base64);

/// Gives every input its vector in every encoding that was asked for, in order. Error: upstream_protocol, one is missing, or
/// there are too many.
[[nodiscard]] Status fit_vectors(const model::Embed& asked, model::Embedded& answer, Losses& losses);

/// A neutral word and a format's own.
using Word = std::pair<std::string_view, std::string_view>;
/// The neutral word for a format's own; as it is when the table does not have it.
[[nodiscard]] std::string neutral_word(std::span<const Word> table, std::string_view own);
/// The way back; nothing when neither column has it.
[[nodiscard]] std::optional<std::string_view> own_word(std::span<const Word> table, std::string_view neutral);

/// The text of an input that is nothing else; nothing for others.
[[nodiscard]] std::optional<std::string> text_of(const model::EmbedInput& input);
/// "'inputs[2]' …": this format has no way to say such an input, and one that is left out would have no vector.
[[nodiscard]] std::unexpected<Error> unsayable(std::size_t index, const model::EmbedInput& input);
/// All inputs as texts.
[[nodiscard]] Result<std::vector<std::string>> texts_of(const model::Embed& request);

/// Texts and images as OpenAI's and Cohere's contents have them: {"type":"text",…}, {"type":"image_url",…}.
[[nodiscard]] Result<std::vector<model::Part>> read_content(const Raw& list, std::string_view path);
void write_content(json::Writer& w, std::span<const model::Part> parts);
/// A text or texts: a string or an array of strings.
Status read_texts(const Raw& value, std::string_view path, std::vector<model::EmbedInput>& out);
/// Also tokens, as OpenAI has them, and in lists objects, which `object` reads.
using ReadObject = Result<model::EmbedInput> (*)(const Raw& object, const std::string& path);
Status read_inputs(const Raw& value, std::string_view path, ReadObject object, std::vector<model::EmbedInput>& out);

/// One vector: an array of numbers, or base64.
[[nodiscard]] Result<model::Vector> read_vector(const Raw& value, std::uint64_t index, const std::string& path);
/// An array of vectors in the order of the inputs.
Status read_vectors(const Raw& list, std::string_view encoding, std::string_view path, std::vector<model::Vector>& out);
/// The vectors in the wanted encoding, in an array.
void write_vectors(json::Writer& w, std::span<const model::Vector> vectors, std::string_view encoding);
/// The encoding that alone was asked for.
[[nodiscard]] std::string_view encoding_of(const model::Embed& request);
/// Names a wish for other encodings than those that the gateway can make of floats.
void lose_encodings(const model::Embed& request, Losses& losses);
/// Names wishes that a format has no word for; `title` of single inputs too.
void lose_title(const model::Embed& request, Losses& losses);

}  // namespace cardea::dialect
