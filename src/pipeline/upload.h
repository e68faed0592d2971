#pragma once
// A form with files on its way through: kept aside, checked to its last byte, then sent with only the model's name changed.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/spool.h"
#include "wire/multipart.h"
#include "wire/sniff.h"

namespace cardea::pipeline {

/// What a file part of an operation must hold.
struct FileRule {
  std::string_view name;  ///< of the part; also with `[]`
  enum class Holds : std::uint8_t { image, sound, anything } holds;
};

/// How large a file may be that must be a picture, or sound; of others the upload's own limit alone counts. In bytes.
struct FileLimits {
  std::uint64_t image = std::uint64_t{50} << 20;
  std::uint64_t sound = std::uint64_t{520} << 20;
};
/// Error: too_large, naming `part` and the limit.
[[nodiscard]] Status check_size(std::string_view part, FileRule::Holds holds, std::uint64_t size, const FileLimits& limits);

/// The files that an operation takes, by its path below the family's prefix ("/audio/transcriptions"); empty: any.
[[nodiscard]] std::span<const FileRule> file_rules(std::string_view path) noexcept;

/// A part of a form that was taken.
struct UploadPart {
  std::string name;
  bool is_file = false;
  std::uint64_t begin = 0;  ///< of its data, in the whole body
  std::uint64_t end = 0;
};

/// Takes the body of one multipart request: nothing goes to an upstream before all of it has proved to be what it claims, so an
/// upstream and this gateway never read two different forms. Memory: the spool's and a part's head. One request's; one thread.
class Upload final : public http::BodySink {
 public:
  /// `boundary`: of the body. `directory`: for the spool.
  Upload(std::string boundary, std::span<const FileRule> rules, const FileLimits& limits, std::string directory)
      : parser_{boundary}, rules_{rules}, limits_{limits}, spool_{std::move(directory)} {}

  Status take(std::string_view bytes) override;
  /// There are no more bytes. Errors of both: bad_request with the part's name as the parameter.
  [[nodiscard]] Status finish();
  /// Value of the part `model`; empty: there is none.
  [[nodiscard]] std::string_view model() const noexcept { return model_; }
  /// Values of the parts `user`, joined; empty: none.
  [[nodiscard]] std::string_view user() const noexcept { return user_; }
  /// The form with another value of `model`, whose bytes must outlive the body, as this upload must.
  void write(std::string_view model, http::Body& body) const;
  /// In the order they came.
  [[nodiscard]] std::span<const UploadPart> parts() const noexcept { return parts_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return spool_.size(); }
  /// A part's data. Error: internal, the spool cannot be read.
  [[nodiscard]] Result<std::string> data(const UploadPart& part) const;

 private:
  [[nodiscard]] Status begin_part();
  [[nodiscard]] Status take_data(std::string_view bytes);
  [[nodiscard]] Status end_part(std::uint64_t begin, std::uint64_t end);
  [[nodiscard]] Status judge_file() const;
  [[nodiscard]] FileRule::Holds wanted() const noexcept;

  wire::MultipartParser parser_;
  std::span<const FileRule> rules_;
  FileLimits limits_;
  http::Spool spool_;
  // Of the part that is being read.
  bool is_model_ = false;
  bool is_user_ = false;
  bool is_file_ = false;
  std::uint64_t bytes_ = 0;
  std::string head_;  ///< its first bytes
  std::string tail_;  ///< its last bytes
  // Of the form.
  std::vector<UploadPart> parts_;
  std::string model_;
  std::string user_;
  std::uint64_t model_begin_ = 0;
  std::uint64_t model_end_ = 0;
};

/// A file that came by itself, with what belongs to it in the query, as the form that upstreams take.
class Wrapped {
 public:
  /// `fields`: name=value pairs, percent-encoded, as the query has them; credentials are left out. `boundary`: one that no file
  /// holds by chance.
  Wrapped(std::string boundary, std::string_view query, std::string_view content_type);
  [[nodiscard]] std::string_view boundary() const noexcept { return boundary_; }
  /// The form around the file, with that model.
  void write(std::string_view model, const http::Spool& file, http::Body& body);

 private:
  std::string boundary_;
  std::string before_;
  std::string after_;
  std::string file_head_;
};

/// Does the file agree with what it claims? Errors: bad_request that names `part`.
[[nodiscard]] Status judge_file(std::string_view part, FileRule::Holds holds, std::string_view claimed, std::string_view head,
                                std::string_view tail, std::uint64_t size);

}  // namespace cardea::pipeline
