// JSON becomes XML, and the table becomes its schema.

#include <algorithm>

#include "base/base64.h"
#include "base/text.h"
#include "json/xml.h"

namespace cardea::json {
namespace {

using Kind_of = XmlField::Kind;
using Many = XmlField::Many;

/// XML 1.0 §2.2, Char: what a document may hold, written out or as a reference.
bool can_carry(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') return false;
    if (byte == 0xEF && (text.substr(i, 3) == "\xEF\xBF\xBE" || text.substr(i, 3) == "\xEF\xBF\xBF")) return false;
  }
  return true;
}

/// Writes one element and what is in it. A problem is what the table does not hold.
class Composer {
 public:
  Composer(std::string& out, XmlLines lines) : out_{out}, lines_{lines} {}

  void root(const Value& value, const XmlField& root) {
    root.kind == Kind_of::choice ? alternative(value, root) : one(root.name, value, root);
  }
  [[nodiscard]] Status status() const {
    if (problem_.empty()) return {};
    return fail(Kind::internal, cat("the schema of the XML form does not know ", problem_));
  }

 private:
  void field(const Value& value, const XmlField& field) {
    if (field.many == Many::one) return one(field.name, value, field);
    const auto behind = tag(field.name);
    if (field.many == Many::list) {
      for (const auto& element : value.elements()) {
        field.kind == Kind_of::choice ? alternative(element, field) : one(field.item, element, field);
      }
    } else {
      for (const auto& [key, text] : value.members()) {
        const auto inside = tag("entry");
        leaf("key", key);
        leaf("value", text.as_string() != nullptr ? *text.as_string() : "");
        close("entry", inside);
      }
    }
    close(field.name, behind);
  }
  void one(std::string_view name, const Value& value, const XmlField& field) {
    if (field.kind == Kind_of::object || field.kind == Kind_of::choice) {
      const auto behind = tag(name);
      field.kind == Kind_of::object ? members(value, field.type->fields) : alternative(value, field);
      return close(name, behind);
    }
    const auto* text = value.as_string();
    leaf(name, field.kind == Kind_of::string && text != nullptr ? *text : value.dump());
  }
  void alternative(const Value& value, const XmlField& choice) {
    const auto* type = value.find("type");
    const auto* word = type != nullptr ? type->as_string() : nullptr;
    const auto& fields = choice.type->fields;
    const auto found = word != nullptr ? std::ranges::find(fields, *word, &XmlField::name) : fields.end();
    if (found == fields.end()) return lack(cat("this kind of ", choice.name));
    const auto behind = tag(found->name);
    members(value, found->type->fields, "type");
    close(found->name, behind);
  }
  void members(const Value& value, const std::vector<XmlField>& fields, std::string_view tag = {}) {
    if (!value.is(Type::object)) return lack("a value that is no object");
    for (const auto& [key, member] : value.members()) {
      const auto found = std::ranges::find(fields, key, &XmlField::name);
      if (found != fields.end()) {
        field(member, *found);
      } else if (key != tag) {
        lack(cat("'", key, "'"));
      }
    }
  }
  void leaf(std::string_view name, std::string_view text) {
    if (can_carry(text)) {
      const auto behind = tag(name);
      escape(text);
      return close(name, behind);
    }
    out_ += cat("<", name, " encoding=\"base64\">", to_base64(text), "</", name, ">");
  }
  /// The place behind the opening tag.
  std::size_t tag(std::string_view name) {
    out_ += cat("<", name, ">");
    return out_.size();
  }
  void close(std::string_view name, std::size_t behind) {
    if (out_.size() == behind) {
      out_.replace(behind - 1, 1, "/>");
    } else {
      out_ += cat("</", name, ">");
    }
  }
  void escape(std::string_view text) {
    for (const char c : text) {
      switch (c) {
        case '&': out_ += "&amp;"; break;
        case '<': out_ += "&lt;"; break;
        case '>': out_ += "&gt;"; break;
        case '\r': out_ += "&#13;"; break;  // a reader makes a line feed of a bare one
        case '\n': out_ += lines_ == XmlLines::one ? "&#10;" : "\n"; break;
        default: out_ += c;
      }
    }
  }
  void lack(std::string what) {
    if (problem_.empty()) problem_ = std::move(what);
  }

  std::string& out_;
  XmlLines lines_;
  std::string problem_;
};

// --- XML Schema -------------------------------------------------------------------------------------------------------------

/// Writes the types that the roots lead to, each once.
class Schema {
 public:
  std::string write(std::string_view about, std::span<const XmlField> roots) {
    out_ = cat(xml_declaration, "<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" elementFormDefault=\"qualified\">\n");
    note(1, about);
    out_ += leaves;
    for (const auto& root : roots) {
      if (root.kind != Kind_of::choice) element(1, root, Where::root);
    }
    for (const auto& root : roots) {
      if (root.kind != Kind_of::choice) continue;
      for (const auto& field : root.type->fields) {
        if (std::ranges::find(roots, field.name, &XmlField::name) == roots.end()) element(1, field, Where::root);
      }
    }
    for (std::size_t i = 0; i < types_.size(); ++i) type(*types_[i].type, types_[i].kind);
    out_ += "</xs:schema>\n";
    return std::move(out_);
  }

 private:
  enum class Where : std::uint8_t { root, member, item };
  struct Wanted {
    const XmlType* type;
    Kind_of kind;
    bool operator==(const Wanted&) const = default;
  };

  static constexpr std::string_view leaves = R"(
  <xs:complexType name="string">
    <xs:annotation><xs:documentation>A text. One that XML 1.0 cannot carry (control characters) stands here as the base64 of its UTF-8.</xs:documentation></xs:annotation>
    <xs:simpleContent><xs:extension base="xs:string"><xs:attribute name="encoding" type="encoding"/></xs:extension></xs:simpleContent>
  </xs:complexType>
  <xs:complexType name="json">
    <xs:annotation><xs:documentation>Any JSON value (RFC 8259), as its text.</xs:documentation></xs:annotation>
    <xs:simpleContent><xs:extension base="xs:string"><xs:attribute name="encoding" type="encoding"/></xs:extension></xs:simpleContent>
  </xs:complexType>
  <xs:simpleType name="encoding">
    <xs:restriction base="xs:string"><xs:enumeration value="base64"/></xs:restriction>
  </xs:simpleType>
  <xs:simpleType name="number">
    <xs:annotation><xs:documentation>A number, spelled as in JSON; its spelling is kept.</xs:documentation></xs:annotation>
    <xs:restriction base="xs:token"><xs:pattern value="-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+\-]?[0-9]+)?"/></xs:restriction>
  </xs:simpleType>
  <xs:simpleType name="integer">
    <xs:restriction base="xs:token"><xs:pattern value="0|[1-9][0-9]{0,19}"/></xs:restriction>
  </xs:simpleType>
  <xs:simpleType name="boolean">
    <xs:restriction base="xs:token"><xs:pattern value="true|false"/></xs:restriction>
  </xs:simpleType>
  <xs:complexType name="entry">
    <xs:all><xs:element name="key" type="string"/><xs:element name="value" type="string"/></xs:all>
  </xs:complexType>
)";

  void line(std::size_t depth, std::string_view text) {
    out_.append(depth * 2, ' ');
    out_ += text;
    out_ += '\n';
  }
  void note(std::size_t depth, std::string_view about) {
    if (about.empty()) return;
    std::string text;
    for (const char c : about) text += c == '&' ? "&amp;" : c == '<' ? "&lt;" : std::string{c};
    line(depth, cat("<xs:annotation><xs:documentation>", text, "</xs:documentation></xs:annotation>"));
  }
  void want(const XmlField& field) {
    const Wanted wanted{field.type, field.kind};
    if (std::ranges::find(types_, wanted) == types_.end()) types_.push_back(wanted);
  }
  std::string type_of(const XmlField& field) {
    switch (field.kind) {
      case Kind_of::string: return "string";
      case Kind_of::number: return "number";
      case Kind_of::integer: return "integer";
      case Kind_of::boolean: return "boolean";
      case Kind_of::json: return "json";
      case Kind_of::object:
      case Kind_of::choice: want(field);
    }
    return std::string{field.type->name};
  }
  static std::string occurs(const XmlField& field, Where where) {
    if (where == Where::item) return " minOccurs=\"0\" maxOccurs=\"unbounded\"";
    return where == Where::member && !field.required ? " minOccurs=\"0\"" : "";
  }
  void element(std::size_t depth, const XmlField& field, Where where) {
    const auto name = where == Where::item ? field.item : field.name;
    const auto head = cat("<xs:element name=\"", name, "\"");
    const bool plain = field.words.empty() && field.kind != Kind_of::choice && (where == Where::item || field.many == Many::one);
    if (plain && (field.about.empty() || where == Where::item)) {
      return line(depth, cat(head, " type=\"", type_of(field), "\"", occurs(field, where), "/>"));
    }
    line(depth, cat(head, plain ? cat(" type=\"", type_of(field), "\"") : "", occurs(field, where), ">"));
    if (where != Where::item) note(depth + 1, field.about);
    if (!plain) inside(depth + 1, field, where);
    line(depth, "</xs:element>");
  }
  /// A type without a name.
  void inside(std::size_t depth, const XmlField& field, Where where) {
    const bool one = where == Where::item || field.many == Many::one;
    if (one && !field.words.empty()) {
      line(depth, "<xs:simpleType><xs:restriction base=\"xs:string\">");
      for (const auto word : field.words) line(depth + 1, cat("<xs:enumeration value=\"", word, "\"/>"));
      return line(depth, "</xs:restriction></xs:simpleType>");
    }
    line(depth, "<xs:complexType><xs:sequence>");
    if (field.kind == Kind_of::choice) {
      want(field);
      line(depth + 1, cat("<xs:group ref=\"", field.type->name, "\"", one ? "" : occurs(field, Where::item), "/>"));
    } else if (field.many == Many::map) {
      line(depth + 1, R"(<xs:element name="entry" type="entry" minOccurs="0" maxOccurs="unbounded"/>)");
    } else {
      element(depth + 1, field, Where::item);
    }
    line(depth, "</xs:sequence></xs:complexType>");
  }
  void type(const XmlType& type, Kind_of kind) {
    out_ += '\n';
    const bool choice = kind == Kind_of::choice;
    line(1, cat(choice ? "<xs:group" : "<xs:complexType", " name=\"", type.name, "\">"));
    note(2, type.about);
    if (!type.fields.empty()) {
      line(2, choice ? "<xs:choice>" : "<xs:all>");
      for (const auto& field : type.fields) element(3, field, choice ? Where::root : Where::member);
      line(2, choice ? "</xs:choice>" : "</xs:all>");
    }
    line(1, choice ? "</xs:group>" : "</xs:complexType>");
  }

  std::string out_;
  std::vector<Wanted> types_;
};

}  // namespace

Status append_xml(std::string& out, const Value& value, const XmlField& root, XmlLines lines) {
  Composer composer{out, lines};
  composer.root(value, root);
  return composer.status();
}

std::string xsd_of(std::string_view about, std::span<const XmlField> roots) { return Schema{}.write(about, roots); }

}  // namespace cardea::json
