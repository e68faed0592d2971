#include "dialect/openai_responses/stored.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "dialect/fields.h"
#include "dialect/openai_responses/openai_responses.h"
#include "json/edit.h"

namespace cardea::dialect::responses {

using json::Member;
using json::Members;
using json::Type;
using json::Value;

namespace {

/// Of an item that the client made, by its type.
struct ItemPrefix {
  std::string_view type;
  std::string_view prefix;
};
constexpr std::array<ItemPrefix, 6> prefixes{{{"message", Prefix::message},
                                              {"function_call", Prefix::function_call},
                                              {"function_call_output", "fco_"},
                                              {"custom_tool_call", Prefix::custom_call},
                                              {"custom_tool_call_output", "ctco_"},
                                              {"reasoning", Prefix::reasoning}}};

std::string_view prefix_of(std::string_view type) {
  const auto* found = std::ranges::find(prefixes, type, &ItemPrefix::type);
  return found != prefixes.end() ? found->prefix : std::string_view{"item_"};
}

/// As the reference shows messages in lists: content is always an array of parts.
void complete_message(Value& item) {
  if (item.find("type") == nullptr) item.set("type", Value::string("message"));
  auto* content = item.find("content");
  if (content == nullptr || content->as_string() == nullptr) return;
  const auto* role = item.find("role");
  const bool said = role != nullptr && role->as_string() != nullptr && *role->as_string() == "assistant";
  auto part = Value::object();
  part.set("type", Value::string(said ? "output_text" : "input_text"));
  part.set("text", std::move(*content));
  if (said) part.set("annotations", Value::array());
  if (said) part.set("logprobs", Value::array());
  item.set("content", Value::array({std::move(part)}));
}

void complete_item(Value& item, std::string_view suffix, std::size_t index) {
  if (!item.is(Type::object)) return;
  const auto* type = item.find("type");
  const bool message = type == nullptr ? item.find("role") != nullptr : *type == Value::string("message");
  if (message) complete_message(item);
  type = item.find("type");
  const std::string word = type != nullptr && type->as_string() != nullptr ? *type->as_string() : std::string{};
  if (given(item, "id") == nullptr) {
    auto id = Value::string(cat(prefix_of(word), suffix, "_in", index));
    item.erase("id");  // a null
    item.edit_members().insert(item.members().begin(), {"id", std::move(id)});
  }
  if (word != "reasoning" && word != "item_reference" && given(item, "status") == nullptr) {
    item.set("status", Value::string("completed"));
  }
}

/// The elements of an array, or of a member that is one.
Status append_elements(std::string_view json, std::string_view key, std::vector<Value>& out) {
  auto value = json::parse(json);
  if (!value) return fail(Kind::internal, "what was kept of the earlier answer cannot be read");
  auto* list = key.empty() ? &*value : value->find(key);
  if (list != nullptr) std::ranges::move(list->each_element(), std::back_inserter(out));
  return {};
}

/// `input` as items: a text is a user's message.
Result<std::vector<Value>> own_items(const RequestView& request) {
  const auto* member = request.members.find("input");
  if (member == nullptr || member->type == Type::null) return std::vector<Value>{};
  auto input = json::parse(request.members.raw(*member));
  if (!input) return fail_with(input);
  if (input->is(Type::array)) return std::move(input->edit_elements());
  auto message = Value::object();
  message.set("type", Value::string("message"));
  message.set("role", Value::string("user"));
  message.set("content", std::move(*input));
  return std::vector<Value>{std::move(message)};
}

std::string_view suffix_of(std::string_view id) {
  return id.starts_with(Prefix::response) ? id.substr(Prefix::response.size()) : id;
}

constexpr std::string_view data_mark = "data: ";

/// The data of the last event, or the whole of a document.
std::string_view last_data(std::string_view events) {
  if (events.starts_with('{')) return events;
  const auto line = events.rfind(cat('\n', data_mark));
  const auto begin = line != std::string_view::npos ? line + 1 : 0;
  if (!events.substr(begin).starts_with(data_mark)) return {};
  auto data = events.substr(begin + data_mark.size());
  return data.substr(0, data.find('\n'));
}

/// An answer's own members are noted.
struct Located {
  Members members;
  const Member* response = nullptr;  ///< null: the document is it
};
bool locate(std::string_view data, Located& out) {
  static constexpr std::array<std::string_view, 1> outline{"response"};
  json::ScanOptions options = upstream_scan(outline);
  if (data.empty() || !json::scan(data, options, out.members)) return false;
  out.response = out.members.find("response");
  const auto* kind = out.members.find("object");
  if (out.response == nullptr) return kind != nullptr && out.members.raw(*kind) == R"("response")";
  constexpr std::array<std::string_view, 3> ends{R"("response.completed")", R"("response.incomplete")", R"("response.failed")"};
  const auto* type = out.members.find("type");
  return type != nullptr && out.response->type == Type::object && std::ranges::find(ends, out.members.raw(*type)) != ends.end();
}

}  // namespace

Result<Wishes> wishes_of(const RequestView& request) {
  Wishes out;
  const Members& members = request.members;
  auto previous = members.unique("previous_response_id");
  if (!previous) return fail_with(previous);
  if (*previous != nullptr && (*previous)->type != Type::null) {
    if ((*previous)->type != Type::string) return wrong_type("previous_response_id", "a string", (*previous)->type);
    out.previous = members.string(**previous);
  }
  auto store = members.unique("store");
  if (!store) return fail_with(store);
  if (*store != nullptr && (*store)->type != Type::null) {
    if ((*store)->type != Type::boolean) return wrong_type("store", "a boolean", (*store)->type);
    out.store = members.boolean(**store);
  }
  return out;
}

Result<std::string> whole_input(const RequestView& request, const Kept* earlier, std::string_view answer_id) {
  std::vector<Value> items;
  if (earlier != nullptr) {
    Status status = append_elements(earlier->input, {}, items);
    if (status) status = append_elements(earlier->response, "output", items);
    if (!status) return fail_with(status);
  }
  auto own = own_items(request);
  if (!own) return fail_with(own);
  for (std::size_t i = 0; i < own->size(); ++i) {
    complete_item((*own)[i], suffix_of(answer_id), i);
    items.push_back(std::move((*own)[i]));
  }
  return Value::array(std::move(items)).dump();
}

Result<std::string> with_input(const RequestView& request, std::string_view input) {
  const Members& members = request.members;
  json::ObjectEdit object{members};
  if (const auto* own = members.find("input")) {
    object.set(*own, input);
  } else {
    object.add("input", input);
  }
  if (const auto* previous = members.find("previous_response_id")) object.remove(*previous);
  json::Edits edits;
  Status committed = object.commit(edits);
  if (!committed) return fail_with(committed);
  return edits.apply(members.text());
}

namespace {

constexpr std::string_view reference = "item_reference";

/// The id that an item of a request's input names; empty: it is there itself.
std::string_view named_by(const Value& item) {
  const auto text = [&](std::string_view key) {
    const auto* found = item.find(key);
    return found != nullptr && found->as_string() != nullptr ? std::string_view{*found->as_string()} : std::string_view{};
  };
  const auto type = text("type");
  const bool bare = type.empty() && item.find("role") == nullptr;
  return type == reference || bare ? text("id") : std::string_view{};
}

/// "msg_SUFFIX_0" belongs to "resp_SUFFIX".
std::string answer_of(std::string_view item_id) {
  const auto begin = item_id.find('_');
  const auto end = item_id.rfind('_');
  if (begin == std::string_view::npos || begin == end) return {};
  return cat(Prefix::response, item_id.substr(begin + 1, end - begin - 1));
}

/// The input, when it is a list in which something is named.
Result<std::vector<Value>> items_with_names(const RequestView& request) {
  const auto* input = request.members.find("input");
  const bool list = input != nullptr && input->type == Type::array;
  if (!list || request.members.raw(*input).find(R"("id")") == std::string_view::npos) return std::vector<Value>{};
  return own_items(request);
}

}  // namespace

std::vector<std::string> answers_referred_to(const RequestView& request) {
  std::vector<std::string> out;
  const auto items = items_with_names(request);
  if (!items) return out;
  for (const auto& item : *items) {
    std::string answer = answer_of(named_by(item));
    if (!answer.empty() && std::ranges::find(out, answer) == out.end()) out.push_back(std::move(answer));
  }
  return out;
}

Result<std::string> with_items(const RequestView& request, std::span<const Kept> kept) {
  std::vector<Value> known;
  for (const auto& one : kept) {
    Status status = append_elements(one.input, {}, known);
    if (status) status = append_elements(one.response, "output", known);
    if (!status) return fail_with(status);
  }
  auto items = own_items(request);
  if (!items) return fail_with(items);
  for (auto& item : *items) {
    const Value id = Value::string(std::string{named_by(item)});
    if (id == Value::string("")) continue;
    const auto found = std::ranges::find_if(known, [&](const Value& one) {
      const auto* own = one.find("id");
      return own != nullptr && *own == id;
    });
    if (found != known.end()) item = *found;
  }
  json::Edits edits;
  json::ObjectEdit object{request.members};
  object.set(*request.members.find("input"), Value::array(std::move(*items)).dump());
  Status committed = object.commit(edits);
  if (!committed) return fail_with(committed);
  return edits.apply(request.members.text());
}

std::string unresolved_item(const RequestView& request) {
  const auto items = items_with_names(request);
  if (!items) return {};
  for (const auto& item : *items) {
    if (const auto id = named_by(item); !id.empty()) return std::string{id};
  }
  return {};
}

std::string_view final_response(std::string_view events) {
  const std::string_view data = last_data(events);
  Located found;
  if (!locate(data, found)) return {};
  return found.response != nullptr ? found.members.raw(*found.response) : data;
}

std::string with_store_denied(std::string_view events) {
  const std::string_view data = last_data(events);
  Located found;
  if (!locate(data, found)) return std::string{events};
  const auto* parent = found.response;
  const auto* store = parent != nullptr ? found.members.find(*parent, "store") : found.members.find("store");
  json::ObjectEdit object = parent != nullptr ? json::ObjectEdit{found.members, *parent} : json::ObjectEdit{found.members};
  if (store != nullptr) {
    object.set(*store, "false");
  } else {
    object.add("store", "false");
  }
  json::Edits edits;
  if (!object.commit(edits)) return std::string{events};
  const auto before = static_cast<std::size_t>(data.data() - events.data());
  return cat(events.substr(0, before), edits.apply(data), events.substr(before + data.size()));
}

Result<std::string> item_page(std::string_view input, const PageAsked& asked) {
  std::vector<Value> items;
  if (Status read = append_elements(input, {}, items); !read) return fail_with(read);
  if (asked.order == Order::descending) std::ranges::reverse(items);
  const auto id_of = [](const Value& item) {
    const auto* id = item.find("id");
    return id != nullptr && id->as_string() != nullptr ? std::string_view{*id->as_string()} : std::string_view{};
  };
  std::size_t begin = 0;
  if (!asked.after.empty()) {
    const auto found = std::ranges::find(items, std::string_view{asked.after}, id_of);
    if (found == items.end()) return bad_field("after", "names no item of this response");
    begin = static_cast<std::size_t>(found - items.begin()) + 1;
  }
  const std::size_t end = std::min(items.size(), begin + asked.limit);
  std::string out;
  json::Writer w{out};
  w.begin_object().key("object").string("list").key("data").begin_array();
  for (std::size_t i = begin; i < end; ++i) w.raw(items[i].dump());
  w.end_array();
  const auto id = [&](std::string_view key, std::size_t index) {
    w.key(key);
    if (begin < end) {
      w.string(id_of(items[index]));
    } else {
      w.null();
    }
  };
  id("first_id", begin);
  id("last_id", end - 1);
  w.key("has_more").boolean(end < items.size()).end_object();
  return out;
}

std::string deleted_body(std::string_view id) {
  return cat(R"({"id":)", json::quote(id), R"(,"object":"response","deleted":true})");
}

}  // namespace cardea::dialect::responses
