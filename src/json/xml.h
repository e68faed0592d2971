#pragma once
// XML <-> JSON, by a table that says what a document may hold: the same table reads, writes, and is the XML Schema (XSD 1.0).
//
// An object is an element whose members are elements, in any order, each once; a list is an element that holds one element for
// each item; an object with a tag ({"type":"text", …}) is an element named by the tag. No attribute means anything but
// `encoding="base64"`, on a text that XML 1.0 cannot carry (control characters, U+FFFE, U+FFFF): then its base64 stands there.
//
// Reading is strict and safe for bytes from anywhere: UTF-8 alone; no document type, so no entities but XML's own five and
// character references, nothing external; no processing instructions; depth, elements and size are bounded.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "json/value.h"

namespace cardea::json {

struct XmlType;

/// A member of a JSON object, which is an element of that name.
struct XmlField {
  enum class Kind : std::uint8_t {
    string,
    number,   ///< spelled as JSON spells it
    integer,  ///< of 0 or more
    boolean,
    json,    ///< any JSON, as its text
    object,  ///< of `type`
    choice,  ///< of `type`: one of its fields, by the tag `type`
  };
  enum class Many : std::uint8_t {
    one,
    list,  ///< an array; its items are elements named `item`, or by their tags
    map,   ///< an object of strings under any keys: elements <entry><key/><value/></entry>
  };
  std::string_view name;
  Kind kind = Kind::string;
  const XmlType* type = nullptr;
  Many many = Many::one;
  std::string_view item = {};
  bool required = false;
  std::span<const std::string_view> words = {};  ///< of a string: what it may be; empty: anything
  std::string_view about = {};
};

/// An object's members, or a choice's alternatives. At most 64.
struct XmlType {
  std::string_view name;
  std::string_view about;
  std::vector<XmlField> fields;
};

struct XmlLimits {
  std::size_t bytes = std::size_t{256} << 20;
  std::uint32_t depth = 48;
  std::uint32_t elements = 1'000'000;
  /// Begins every error message.
  std::string_view what = "the request body";
};

/// A document whose root is `root` (of kind object), or one of its alternatives (of kind choice), as compact JSON. What the table
/// does not hold, or holds once and is given twice, is an error; what is required but missing is left to who reads the JSON.
/// Errors are Kind::bad_request; they name line and column, and in `param` the place as a JSON path.
[[nodiscard]] Result<std::string> xml_to_json(std::string_view text, const XmlField& root, const XmlLimits& limits = {});

/// How line feeds in texts are written: as they are, or as references, so that the element stays one line.
enum class XmlLines : std::uint8_t { kept, one };
/// Appends a value as an element, without a declaration. Error: internal, when the table does not hold it.
[[nodiscard]] Status append_xml(std::string& out, const Value& value, const XmlField& root, XmlLines lines);
inline constexpr std::string_view xml_declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// The XML Schema of documents with these roots.
[[nodiscard]] std::string xsd_of(std::string_view about, std::span<const XmlField> roots);

}  // namespace cardea::json
