#pragma once
// A chat in the terminal.

#include <string>
#include <string_view>
#include <vector>

#include "app/conversation.h"
#include "app/gateway_client.h"
#include "app/terminal.h"

namespace cardea::app {

/// Prompts, sends, shows, until the user leaves. Uses everything it is given until run() returns.
class ChatSession {
 public:
  ChatSession(GatewayClient& client, Conversation& conversation, Interrupts& interrupts)
      : client_{client}, conversation_{conversation}, interrupts_{interrupts} {}

  /// Talks until /exit, Ctrl-D, or Ctrl-C twice at the prompt.
  void run();
  /// Sends one message and shows the answer; false: it failed (and was said so) or was cancelled.
  bool ask(std::string_view text);

 private:
  enum class Next : std::uint8_t { go_on, leave };
  struct Command;
  static const Command commands[];
  Next obey(std::string_view line);
  Next help(std::string_view argument);
  Next set_model(std::string_view argument);
  Next show_models(std::string_view argument);
  Next set_system(std::string_view argument);
  Next clear(std::string_view argument);
  Next leave(std::string_view) { return Next::leave; }
  void show(AnswerReader::Piece piece, std::string_view text);
  void show_end(const AnswerReader& answer);

  GatewayClient& client_;
  Conversation& conversation_;
  Interrupts& interrupts_;
  std::vector<std::string> entered_;
  AnswerReader::Piece shown_ = AnswerReader::Piece::text;
  bool column_zero_ = true;
};

}  // namespace cardea::app
