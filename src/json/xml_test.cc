#include "json/xml.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace cardea::json {
namespace {

using Kind_of = XmlField::Kind;
using Many = XmlField::Many;

/// A small table with everything a table can hold.
const XmlField& note() {
  static constexpr std::string_view words[] = {"low", "high"};
  static const XmlType line{"line", {}, {{.name = "text", .required = true}, {.name = "bold", .kind = Kind_of::boolean}}};
  static const XmlType rule{"rule", {}, {}};
  static const XmlType block{
      "block",
      "One of two.",
      {{.name = "line", .kind = Kind_of::object, .type = &line}, {.name = "rule", .kind = Kind_of::object, .type = &rule}}};
  static XmlType type{"note",
                      "A note.",
                      {{.name = "title", .required = true},
                       {.name = "level", .words = words},
                       {.name = "size", .kind = Kind_of::number},
                       {.name = "count", .kind = Kind_of::integer, .about = "how often: < 1 & more"},
                       {.name = "any", .kind = Kind_of::json},
                       {.name = "blocks", .kind = Kind_of::choice, .type = &block, .many = Many::list},
                       {.name = "first", .kind = Kind_of::choice, .type = &block},
                       {.name = "tags", .many = Many::list, .item = "tag"},
                       {.name = "labels", .many = Many::map},
                       {.name = "within", .kind = Kind_of::object, .type = &type}}};
  static const XmlField root{.name = "note", .kind = Kind_of::object, .type = &type};
  return root;
}

Result<std::string> read(std::string_view xml, const XmlLimits& limits = {}) { return xml_to_json(xml, note(), limits); }
std::string write(std::string_view json, XmlLines lines = XmlLines::kept) {
  std::string out;
  const auto value = parse(json);
  EXPECT_TRUE(value) << json;
  const auto status = append_xml(out, *value, note(), lines);
  EXPECT_TRUE(status) << status.error().message();
  return out;
}

TEST(Xml, EveryKindOfValueHasItsElement) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {R"({"title":"a"})", "<note><title>a</title></note>"},
      {R"({"title":""})", "<note><title/></note>"},
      {R"({"title":"<&>]]>\"'"})", "<note><title>&lt;&amp;&gt;]]&gt;\"'</title></note>"},
      {R"({"level":"low","size":-1.50e+3,"count":18446744073709551615})",
       "<note><level>low</level><size>-1.50e+3</size><count>18446744073709551615</count></note>"},
      {R"({"any":{"a":[1,null,"<"]}})", "<note><any>{\"a\":[1,null,\"&lt;\"]}</any></note>"},
      {R"({"blocks":[{"type":"line","text":"x","bold":true},{"type":"rule"}]})",
       "<note><blocks><line><text>x</text><bold>true</bold></line><rule/></blocks></note>"},
      {R"({"blocks":[],"tags":[],"labels":{}})", "<note><blocks/><tags/><labels/></note>"},
      {R"({"first":{"type":"line","text":"x"}})", "<note><first><line><text>x</text></line></first></note>"},
      {R"({"tags":["a","","b"]})", "<note><tags><tag>a</tag><tag/><tag>b</tag></tags></note>"},
      {R"({"labels":{"k 1":"v","":"w"}})",
       "<note><labels><entry><key>k 1</key><value>v</value></entry><entry><key/><value>w</value></entry></labels></note>"},
      {R"({"within":{"within":{"title":"deep"}}})", "<note><within><within><title>deep</title></within></within></note>"},
  };
  for (const auto& [json, xml] : rows) {
    EXPECT_EQ(write(json), xml);
    const auto back = read(xml);
    ASSERT_TRUE(back) << xml << back.error().message();
    EXPECT_EQ(*back, json);
  }
}

TEST(Xml, TextsComeBackToTheByte) {
  const std::string_view texts[] = {" two  spaces ",
                                    "\t\n\r\r\n",
                                    "\xe2\x80\xa8\xc2\x85",
                                    "\x7f",
                                    "\xf0\x9f\x98\x80",
                                    "]]>",
                                    "&amp;",
                                    "<![CDATA[",
                                    "\x01",
                                    std::string_view{"\0", 1},
                                    "\xef\xbf\xbe\xef\xbf\xbf",
                                    "a\x1b[0m"};
  for (const auto text : texts) {
    std::string json = "{\"title\":";
    Value::string(std::string{text}).append_to(json);
    json += '}';
    for (const auto lines : {XmlLines::kept, XmlLines::one}) {
      const auto xml = write(json, lines);
      if (lines == XmlLines::one) EXPECT_EQ(xml.find_first_of("\r\n"), std::string::npos) << xml;
      const auto back = read(xml);
      ASSERT_TRUE(back) << xml << back.error().message();
      EXPECT_EQ(*back, json) << xml;
    }
  }
  EXPECT_EQ(write(R"({"title":"a\u0001"})"), "<note><title encoding=\"base64\">YQE=</title></note>");
}

TEST(Xml, ReadsWhatPeopleWrite) {
  const std::string_view same[] = {
      "<?xml version=\"1.0\"?><note><title>a</title></note>",
      "<?xml version='1.0' encoding='utf-8' standalone='yes'?>\n<!-- hello -->\n<note>\n\t<title>a</title> <!-- x -->\n</note>\n",
      "\xef\xbb\xbf<note><title><![CDATA[a]]></title></note>",
      "<note xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
      "xsi:noNamespaceSchemaLocation=\"n.xsd\"><title>&#97;</title></note>",
      "<note><title encoding=\"base64\"> YQ==\n</title></note>",
  };
  for (const auto xml : same) {
    const auto json = read(xml);
    ASSERT_TRUE(json) << xml << json.error().message();
    EXPECT_EQ(*json, R"({"title":"a"})");
  }
  EXPECT_EQ(read("<note><size> 1.0 </size><any>\n{ \"a\" : 1 }\n</any></note>").value_or(""),
            R"({"size":1.0,"any":{ "a" : 1 }})");
}

TEST(Xml, WhatTheTableDoesNotHoldIsRefusedByPlace) {
  struct Case {
    std::string_view xml, words, param = "";
  };
  const Case cases[] = {
      {"", "line 1, column 1: no element found"},
      {"{}", "line 1, column 1"},
      {"<note>", "no element found"},
      {"<note></nte>", "line 1, column 9: mismatched tag"},
      {"<note/><note/>", "junk after document element"},
      {"<nota/>", "<nota> is not known here; did you mean <note>?"},
      {"<note>\n  <titl>a</titl></note>", "line 2, column 3: <titl> is not known here; did you mean <title>?"},
      {"<note><title>a</title><title>b</title></note>", "<title> is given twice"},
      {"<note><title>a<b/></title></note>", "<title> holds text, not elements", "title"},
      {"<note>text</note>", "<note> holds elements, not text"},
      {"<note><tags>a</tags></note>", "<tags> holds elements, not text", "tags"},
      {"<note><tags><tag/><tagg/></tags></note>", "did you mean <tag>?", "tags"},
      {"<note><blocks><rule/><lin/></blocks></note>", "did you mean <line>?", "blocks"},
      {"<note><blocks><rule/><line><txt/></line></blocks></note>", "did you mean <text>?", "blocks[1]"},
      {"<note><first/></note>", "must hold one element", "first"},
      {"<note><first><rule/><rule/></first></note>", "one element, not several", "first"},
      {"<note><labels><entry><key>a</key></entry></labels></note>", "must hold a <key> and a <value>", "labels"},
      {"<note><size>one</size></note>", "<size> must be a number", "size"},
      {"<note><size>01</size></note>", "<size> must be a number", "size"},
      {"<note><blocks><line><bold>yes</bold></line></blocks></note>", "<bold> must be true or false", "blocks[0].bold"},
      {"<note><any>{</any></note>", "<any> must be JSON", "any"},
      {"<note><any/></note>", "<any> must be JSON", "any"},
      {"<note lang='en'/>", "the attribute 'lang' is not known"},
      {"<note><title encoding='hex'/></note>", "can only be 'base64'", "title"},
      {"<note><title encoding='base64'>!</title></note>", "not the base64 of UTF-8", "title"},
      {"<note><title encoding='base64'>/w==</title></note>", "not the base64 of UTF-8", "title"},
      {"<note><tags encoding='base64'/></note>", "the attribute 'encoding' is not known", "tags"},
      {"<x:note xmlns:x='u'/>", "<x:note> is not known"},
  };
  for (const auto& one : cases) {
    const auto json = read(one.xml);
    ASSERT_FALSE(json) << one.xml;
    EXPECT_EQ(json.error().kind(), Kind::bad_request);
    EXPECT_NE(json.error().message().find(one.words), std::string_view::npos) << one.xml << "\n" << json.error().message();
    EXPECT_EQ(json.error().detail().param, one.param) << one.xml;
  }
}

TEST(Xml, NothingButPlainUtf8IsRead) {
  struct Case {
    std::string_view xml, words;
  };
  const Case cases[] = {
      {"<!DOCTYPE note><note/>", "DOCTYPE"},
      {"<!DOCTYPE note SYSTEM \"http://example.org/note.dtd\"><note/>", "DOCTYPE"},
      {"<!DOCTYPE n [<!ENTITY a \"lol\"><!ENTITY b \"&a;&a;&a;\">]><note><title>&b;</title></note>", "DOCTYPE"},
      {"<!DOCTYPE n [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><note><title>&x;</title></note>", "DOCTYPE"},
      {"<!DOCTYPE n [<!ENTITY % x SYSTEM \"http://127.0.0.1/\"> %x;]><note/>", "DOCTYPE"},
      {"<note><title>&lol;</title></note>", "undefined entity"},
      {"<note><title>&#0;</title></note>", "reference to invalid character number"},
      {"<note><title>&#xFFFE;</title></note>", "reference to invalid character number"},
      {"<?php x?><note/>", "processing instructions"},
      {"<?xml-stylesheet href='x'?><note/>", "processing instructions"},
      {"<?xml version='1.1'?><note/>", "only XML 1.0"},
      {"<?xml version='1.0' encoding='ISO-8859-1'?><note/>", "only the encoding UTF-8"},
      {"<?xml version='1.0' encoding='UTF-16'?><note/>", "only the encoding UTF-8"},
      {"<?xml version='1.0' encoding='US-ASCII'?><note/>", "only the encoding UTF-8"},
      {"\xff\xfe<\0n\0", "must be UTF-8"},
      {"<note><title>\xe9</title></note>", "must be UTF-8"},
      {"<note><title>\xed\xa0\x80</title></note>", "must be UTF-8"},
      {"<note><title>\x01</title></note>", "not well-formed"},
      {"<note><title>\xef\xbf\xbe</title></note>", "not well-formed"},
      {"<note a='1' a='2'/>", "duplicate attribute"},
  };
  for (const auto& one : cases) {
    const auto json = read(one.xml);
    ASSERT_FALSE(json) << one.xml;
    EXPECT_NE(json.error().message().find(one.words), std::string_view::npos) << one.xml << "\n" << json.error().message();
  }
}

TEST(Xml, DocumentsAreBounded) {
  std::string deep, wide = "<note><tags>";
  for (int i = 0; i < 200'000; ++i) deep += "<within>";
  for (int i = 0; i < 1000; ++i) wide += "<tag/>";
  wide += "</tags></note>";
  EXPECT_NE(read("<note>" + deep).error().message().find("nested deeper than 48"), std::string_view::npos);
  EXPECT_TRUE(read(wide));
  EXPECT_NE(read(wide, {.elements = 1000}).error().message().find("more than 1000 elements"), std::string_view::npos);
  EXPECT_EQ(read(wide, {.bytes = 100}).error().kind(), Kind::too_large);
  const std::string ten_megabytes(10u << 20, 'a');
  EXPECT_NE(read(cat("<note a='", ten_megabytes, "'/>")).error().message().find("the attribute 'a'"), std::string_view::npos);
  const auto name = read(cat("<", ten_megabytes, "/>"));
  ASSERT_FALSE(name);
  EXPECT_LT(name.error().message().size(), 300U);
  std::string attributes = "<note";
  for (int i = 0; i < 50'000; ++i) attributes += cat(" a", i, "=''");
  EXPECT_FALSE(read(attributes + "/>"));
}

TEST(Xml, APieceOfADocumentIsNone) {
  const auto xml = write(R"({"title":"a&b","any":{"x":1},"blocks":[{"type":"line","text":"é"}],"labels":{"k":"v"}})");
  for (std::size_t cut = 0; cut < xml.size(); ++cut) EXPECT_FALSE(read(xml.substr(0, cut))) << cut;
}

TEST(Xml, WhatTheTableDoesNotHoldIsNotWritten) {
  for (const std::string_view json :
       {R"({"titel":"a"})", R"({"blocks":[{"text":"a"}]})", R"({"blocks":[{"type":"lines"}]})", R"({"within":1})", "[]"}) {
    std::string out;
    EXPECT_FALSE(append_xml(out, *parse(json), note(), XmlLines::kept)) << json;
  }
}

TEST(Xml, TheSchemaNamesEveryTypeOnce) {
  const auto xsd = xsd_of("Notes.", {&note(), 1});
  const auto count = [&](std::string_view text) {
    int found = 0;
    for (auto at = xsd.find(text); at != std::string::npos; at = xsd.find(text, at + 1)) ++found;
    return found;
  };
  EXPECT_EQ(count("<xs:complexType name=\"note\">"), 1);
  EXPECT_EQ(count("<xs:complexType name=\"line\">"), 1);
  EXPECT_EQ(count("<xs:complexType name=\"rule\">"), 1);
  EXPECT_EQ(count("<xs:group name=\"block\">"), 1);
  EXPECT_EQ(count("<xs:group ref=\"block\""), 2);
  EXPECT_EQ(count("<xs:enumeration value=\"high\"/>"), 1);
  EXPECT_EQ(count("how often: &lt; 1 &amp; more"), 1);
  EXPECT_EQ(count("<xs:element name=\"title\" type=\"string\"/>"), 1);
}

}  // namespace
}  // namespace cardea::json
