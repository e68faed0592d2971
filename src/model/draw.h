#pragma once
// Pictures drawn, edited and varied. Values only; absent stays absent, as in chat.h.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/chat.h"
#include "model/usage.h"

namespace cardea::model {

/// A picture's bytes, or where they are: exactly one of the two.
struct Picture {
  std::string base64;      ///< padded, without line breaks; empty: `url` has it
  std::string url;         ///< http(s); of an answer also a target below the upstream's host ("/view?…")
  std::string media_type;  ///< "image/png"; empty: not said
  bool operator==(const Picture&) const = default;
};

struct PictureSize {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  bool operator==(const PictureSize&) const = default;
};

/// A request.
struct Draw {
  enum class Kind : std::uint8_t {
    generate,  ///< from the prompt alone
    edit,      ///< of `images`, where `mask` says, as the prompt says
    vary,      ///< like the one image
  };

  std::string dialect;  ///< the format that decoded it: extras are its own
  std::string model;
  Kind kind = Kind::generate;
  std::string prompt;  ///< empty only of `vary`
  std::optional<std::string> negative_prompt;
  std::vector<Picture> images;
  std::optional<Picture> mask;  ///< transparent where the picture may change (OpenAI)
  std::optional<std::uint64_t> count;
  std::optional<PictureSize> size;           ///< absent: as the model likes
  std::optional<std::string> aspect_ratio;   ///< "16:9", where only that was said
  std::optional<std::string> quality;        ///< "low", "medium", "high", "standard", "hd", "auto"
  std::optional<std::string> style;          ///< "vivid", "natural", or a word of the format's own
  std::optional<std::string> background;     ///< "transparent", "opaque", "auto"
  std::optional<std::string> moderation;     ///< "low", "auto"
  std::optional<std::string> fidelity;       ///< to the images given: "low", "high"
  std::optional<std::string> file_type;      ///< "png", "jpeg", "webp"
  std::optional<std::uint64_t> compression;  ///< of jpeg and webp, 0 to 100
  std::optional<std::uint64_t> seed;
  std::optional<std::uint64_t> steps;    ///< of denoising
  std::optional<Number> guidance;        ///< how closely the prompt is followed ("cfg scale")
  std::optional<Number> strength;        ///< of an edit's noise, 0 (nothing changes) to 1
  std::optional<std::string> answer_as;  ///< "url" or "b64_json"
  std::optional<std::string> user;
  /// What the operator gave the upstream for this model: a graph of ComfyUI in its API format, with {{prompt}} and the like where
  /// what was asked belongs. Empty: there is none.
  std::string workflow;
  Extras extras;
  bool operator==(const Draw&) const = default;
};

struct DrawnPicture {
  Picture picture;
  std::optional<std::string> revised_prompt;
  std::optional<std::uint64_t> seed;
  bool operator==(const DrawnPicture&) const = default;
};

/// An answer.
struct Drawn {
  std::string dialect;
  std::optional<std::string> id;
  std::optional<std::string> model;
  std::optional<std::uint64_t> created;  ///< seconds since 1970
  std::vector<DrawnPicture> pictures;
  std::optional<std::string> file_type, background, quality;  ///< what they came out as; as in Draw
  std::optional<PictureSize> size;
  std::optional<Usage> usage;
  Extras extras;
  bool operator==(const Drawn&) const = default;
};

}  // namespace cardea::model
