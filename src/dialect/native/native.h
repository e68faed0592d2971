#pragma once
// Private to the folder: the dialect object and what its files share. The format is Cardea's own: docs/native.md.

#include <memory>
#include <string>
#include <string_view>

#include "dialect/dialect.h"
#include "dialect/native/shape.h"

namespace cardea::dialect::native_format {

/// How answers are written. Requests are read, and asked of upstreams, in JSON either way: forms.h turns a client's XML into it.
enum class Form : std::uint8_t { json, xml };

class Native final : public Dialect {
 public:
  explicit Native(Form form) noexcept : form_{form} {}

  [[nodiscard]] const Traits& traits() const noexcept override;
  [[nodiscard]] std::string chat_target(std::string_view model, Delivery delivery) const override;
  [[nodiscard]] Result<RequestView> inspect(std::string_view body, const Asked& asked) const override;
  [[nodiscard]] Result<json::Edits> forward_edits(const RequestView& view, const ForwardOptions& options) const override;
  [[nodiscard]] Result<ResponseView> inspect_response(std::string_view body, const Secret& secret) const override;
  [[nodiscard]] std::unique_ptr<Relay> relay(RelayOptions options) const override;
  [[nodiscard]] Result<model::Chat> decode_request(std::string_view body, const Asked& asked) const override;
  [[nodiscard]] std::string encode_request(const model::Chat& chat, Losses& losses) const override;
  [[nodiscard]] Result<model::Answer> decode_response(std::string_view body) const override;
  [[nodiscard]] std::string encode_response(const model::Answer& answer, const AnswerContext& context,
                                            Losses& losses) const override;
  [[nodiscard]] std::unique_ptr<StreamDecoder> stream_decoder() const override;
  [[nodiscard]] std::unique_ptr<StreamEncoder> stream_encoder(AnswerContext context) const override;
  [[nodiscard]] std::string count_target(std::string_view model) const override;
  [[nodiscard]] std::string count_body(std::uint64_t tokens) const override;
  [[nodiscard]] std::string error_body(const Error& error, std::string_view request_id) const override;
  [[nodiscard]] std::string stream_error(const Error& error, std::string_view request_id, Framing framing) const override;
  [[nodiscard]] Error upstream_error(const UpstreamFailure& failure, const Secret& secret) const override;

 private:
  Form form_;
};

/// The roots of the XML form.
enum class Root : std::uint8_t {
  chat,
  answer,
  failure,
  models,
  model,
  token_count,
  event,
  // In the order of Task, each with its answer.
  embed,
  embedded,
  rerank,
  reranked,
  moderate,
  moderated,
  tokenize,
  tokenized,
  detokenize,
  detokenized
};
/// A JSON text of this format, in the form: as it is, or as a whole XML document.
[[nodiscard]] std::string in_form(std::string json, Root root, Form form);
/// An XML document as JSON of this format.
[[nodiscard]] Result<std::string> json_from(std::string_view xml, Root root);
/// Appends one event of a stream.
void append_event(std::string& out, const Said& said, Form form);

/// An upstream's error, as its event says it.
[[nodiscard]] model::event::Failure failure_of(const Trouble& trouble);

[[nodiscard]] std::unique_ptr<StreamDecoder> make_stream_decoder();
[[nodiscard]] std::unique_ptr<StreamEncoder> make_stream_encoder(const AnswerContext& context, Form form);

}  // namespace cardea::dialect::native_format
