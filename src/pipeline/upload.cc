#include "pipeline/upload.h"

#include <algorithm>

#include "base/text.h"
#include "pipeline/pages.h"

namespace cardea::pipeline {
namespace {

using Holds = FileRule::Holds;

constexpr std::size_t model_bytes_max = 256;
constexpr std::size_t user_bytes_max = 1024;

constexpr std::array sound{FileRule{"file", Holds::sound}};
constexpr std::array pictures{FileRule{"image", Holds::image}, FileRule{"mask", Holds::image}};

struct OperationRules {
  std::string_view path;
  std::span<const FileRule> rules;
};
constexpr std::array operations{
    OperationRules{"/audio/transcriptions", sound},
    OperationRules{"/audio/translations", sound},
    OperationRules{"/images/edits", pictures},
    OperationRules{"/images/variations", pictures},
};

/// Sound may come in the containers of films.
bool fits(Holds holds, std::string_view kind) {
  switch (holds) {
    case Holds::image: return kind == "image";
    case Holds::sound: return kind == "audio" || kind == "video";
    case Holds::anything: return true;
  }
  return false;
}

std::string_view kind_of(std::string_view type) { return type.substr(0, type.find('/')); }

/// Formats whose every file begins with a known signature: without one it is none of them.
bool always_signed(std::string_view type) { return kind_of(type) == "image" || type == "application/pdf"; }

bool same_kind(std::string_view claimed, std::string_view found) {
  const std::string_view a = kind_of(claimed);
  const std::string_view b = kind_of(found);
  const auto moving = [](std::string_view kind) { return kind == "audio" || kind == "video"; };
  return iequals(claimed, found) || (a == b && a != "application") || (moving(a) && moving(b));
}

std::unexpected<Error> refuse(std::string_view part, std::string_view what) {
  return fail(Kind::bad_request, cat("'", part, "' ", what), std::string{part});
}

}  // namespace

Status check_size(std::string_view part, Holds holds, std::uint64_t size, const FileLimits& limits) {
  const bool image = holds == Holds::image;
  const std::uint64_t limit = image ? limits.image : limits.sound;
  if (holds == Holds::anything || size <= limit) return {};
  return fail(Kind::too_large,
              cat("'", part, "' is larger than the limit of ", limit,
                  image ? " bytes for pictures (limits.image_bytes)" : " bytes for sound (limits.audio_bytes)"),
              std::string{part});
}

std::span<const FileRule> file_rules(std::string_view path) noexcept {
  const auto found = std::ranges::find(operations, path, &OperationRules::path);
  return found != operations.end() ? found->rules : std::span<const FileRule>{};
}

Status judge_file(std::string_view part, Holds holds, std::string_view claimed, std::string_view head, std::string_view tail,
                  std::uint64_t size) {
  if (size == 0) return refuse(part, "is an empty file");
  const std::string_view found = wire::sniff(head).type;
  if (found.empty()) {
    if (holds == Holds::image || always_signed(claimed))
      return refuse(part, "does not begin as any image or document that is known");
    return {};
  }
  const bool judged =
      kind_of(claimed) == "image" || kind_of(claimed) == "audio" || kind_of(claimed) == "video" || claimed == "application/pdf";
  if (judged && !same_kind(claimed, found)) return refuse(part, cat("claims to be ", claimed, " but holds ", found));
  if (!fits(holds, kind_of(found))) {
    return refuse(part, cat("holds ", found, "; ", holds == Holds::image ? "an image" : "sound", " is wanted"));
  }
  if (!wire::ends_whole(found, head, tail, size)) return refuse(part, cat("is cut: a whole ", found, " ends otherwise"));
  return {};
}

Holds Upload::wanted() const noexcept {
  std::string_view name = parser_.part().name;
  if (name.ends_with("[]")) name.remove_suffix(2);
  const auto found = std::ranges::find(rules_, name, &FileRule::name);
  return found != rules_.end() ? found->holds : Holds::anything;
}

Status Upload::take(std::string_view bytes) {
  Status kept = spool_.take(bytes);
  if (!kept) return kept;
  for (;;) {
    Result<wire::MultipartEvent> event = parser_.next(bytes);
    if (!event) return fail_with(event);
    Status status;
    switch (event->kind) {
      case wire::MultipartEvent::Kind::none: return {};
      case wire::MultipartEvent::Kind::part: status = begin_part(); break;
      case wire::MultipartEvent::Kind::data: status = take_data(event->data); break;
      case wire::MultipartEvent::Kind::part_end: status = end_part(event->begin, event->end); break;
      case wire::MultipartEvent::Kind::end: break;
    }
    if (!status) return status;
  }
}

Status Upload::begin_part() {
  const wire::MultipartPart& part = parser_.part();
  bytes_ = 0;
  head_.clear();
  tail_.clear();
  is_model_ = part.name == "model";
  is_file_ = part.filename.has_value();
  is_user_ = !is_file_ && part.name == "user";
  if (is_model_ && is_file_) return refuse("model", "must be a plain field, not a file");
  return {};
}

Status Upload::take_data(std::string_view bytes) {
  bytes_ += bytes.size();
  if (is_model_) {
    model_ += bytes;
    return model_.size() <= model_bytes_max ? Status{} : refuse("model", "is too long");
  }
  if (is_user_) {
    user_ += bytes;
    return user_.size() <= user_bytes_max ? Status{} : refuse("user", "is too long");
  }
  if (!is_file_) return {};
  Status small = check_size(parser_.part().name, wanted(), bytes_, limits_);
  if (!small) return small;
  head_ += bytes.substr(0, wire::sniff_bytes - std::min(wire::sniff_bytes, head_.size()));
  tail_ += bytes.substr(bytes.size() - std::min(bytes.size(), wire::sniff_bytes));
  if (tail_.size() > wire::sniff_bytes) tail_.erase(0, tail_.size() - wire::sniff_bytes);
  return {};
}

Status Upload::end_part(std::uint64_t begin, std::uint64_t end) {
  parts_.push_back({.name = std::string{parser_.part().name}, .is_file = is_file_, .begin = begin, .end = end});
  if (is_file_) return judge_file();
  if (!is_model_) return {};
  model_begin_ = begin;
  model_end_ = end;
  return model_.empty() ? refuse("model", "is empty; name the model to use") : Status{};
}

Status Upload::judge_file() const {
  const wire::MultipartPart& part = parser_.part();
  const std::string_view claimed = wire::claimed_type(part.content_type, part.filename.value_or(""));
  return pipeline::judge_file(part.name, wanted(), claimed, head_, tail_, bytes_);
}

Status Upload::finish() { return parser_.finish(); }

void Upload::write(std::string_view model, http::Body& body) const {
  if (model == model_ || model.empty()) return body.add(spool_, 0, spool_.size());
  body.add(spool_, 0, model_begin_);
  body.add(model);
  body.add(spool_, model_end_, spool_.size() - model_end_);
}

Result<std::string> Upload::data(const UploadPart& part) const {
  std::string out(static_cast<std::size_t>(part.end - part.begin), '\0');
  for (std::size_t at = 0; at < out.size();) {
    const Result<std::size_t> got = spool_.read(part.begin + at, std::span{out}.subspan(at));
    if (!got) return fail(got.error().clone());
    if (*got == 0) return fail(Kind::internal, "an upload's file is shorter than what was written to it");
    at += *got;
  }
  return out;
}

Wrapped::Wrapped(std::string boundary, std::string_view query, std::string_view content_type) : boundary_{std::move(boundary)} {
  constexpr std::array<std::string_view, 2> not_fields{"key", "model"};
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const auto name = percent_decoded(pair.substr(0, pair.find('=')));
    if (!name || name->empty() || std::ranges::find(not_fields, *name) != not_fields.end()) continue;
    wire::append_multipart_field(before_, boundary_, *name, query_parameter(pair, *name));
  }
  // Upstreams tell the format by the file's name.
  const std::string_view type = trim(content_type.substr(0, content_type.find(';')));
  const std::string_view subtype = type.substr(type.find('/') + 1);
  const std::string_view ending = subtype == "mpeg" ? "mp3" : subtype == "octet-stream" || subtype.empty() ? "wav" : subtype;
  wire::append_multipart_head(file_head_, boundary_, "file", cat("upload.", ending), type);
  after_ = wire::multipart_part_end;
  wire::append_multipart_end(after_, boundary_);
}

void Wrapped::write(std::string_view model, const http::Spool& file, http::Body& body) {
  wire::append_multipart_field(before_, boundary_, "model", model);
  before_ += file_head_;
  body.add(before_);
  body.add(file, 0, file.size());
  body.add(after_);
}

}  // namespace cardea::pipeline
