// OpenAI's audio (platform.openai.com/docs/api-reference/audio): speech, transcriptions, translations. What is spoken is WAV (or
// its bare samples), whatever container was asked for, and said to be: the twin has no other.

#include <algorithm>
#include <cmath>

#include "base/base64.h"
#include "twin/forms/openai.h"
#include "twin/media.h"
#include "twin/sound.h"
#include "twin/tokens.h"
#include "twin/upload.h"

namespace cardea::twin {
namespace {

using json::Writer;

Status refuse_body(std::string_view why) { return refuse_request(std::string{why}, "", ""); }
constexpr TaskReading reading{openai_words, false, refuse_body};

// ---- Speech ----------------------------------------------------------------------------------------------------------------

constexpr std::size_t input_characters_max = 4096;

struct Speech {
  std::string input;
  std::string format = "mp3";
  std::string stream_format = "audio";
  double speed = 1;
};

Status take_input(const At& at, Speech& speech) {
  speech.input = at.text();
  const auto characters = count_characters(speech.input);
  if (speech.input.empty()) {
    return refuse_request(
        "Invalid 'input': empty string. Expected a string with minimum length 1, but got an empty string instead.", "input",
        "empty_string");
  }
  if (characters <= input_characters_max) return {};
  return refuse_request(cat("Invalid 'input': string too long. Expected a string with maximum length ", input_characters_max,
                            ", but got a string with length ", characters, " instead."),
                        "input", "string_above_max_length");
}
Status take_voice(const At& at, Speech&) {
  if (at.value().is(json::Type::object)) {
    return text_member(at.value(), "id").empty() ? at.missing("id") : Status{};
  }
  constexpr std::string_view voices[] = {"alloy", "ash",  "ballad",  "coral", "echo",  "fable", "onyx",
                                         "nova",  "sage", "shimmer", "verse", "marin", "cedar"};
  return one_of(at, voices);
}
Status take_format(const At& at, Speech& speech) {
  speech.format = at.text();
  constexpr std::string_view formats[] = {"mp3", "opus", "aac", "flac", "wav", "pcm"};
  return one_of(at, formats);
}
Status take_stream_format(const At& at, Speech& speech) {
  speech.stream_format = at.text();
  constexpr std::string_view formats[] = {"sse", "audio"};
  return one_of(at, formats);
}
Status take_speed(const At& at, Speech& speech) {
  constexpr double slowest = 0.25;
  constexpr double fastest = 4;
  Status status = take_sampling(at, "speed", slowest, fastest);
  speech.speed = at.value().as_double().value_or(1);
  return status;
}

constexpr Row<Speech> speech_rows[] = {
    {"model", is_text, nullptr, true},
    {"input", is_text, take_input, true},
    {"voice", is_text | is_object, take_voice, true},
    {"response_format", is_text, take_format},
    {"stream_format", is_text, take_stream_format},
    {"speed", is_number, take_speed},
    {"instructions", is_text},
    {"language", is_text},
};

/// About 20 tokens a second of sound.
std::uint64_t sound_tokens(double seconds) {
  constexpr double tokens_per_second = 20;
  return static_cast<std::uint64_t>(std::ceil(seconds * tokens_per_second));
}

std::vector<Event> speech_events(const Speech& speech, std::string_view bytes) {
  constexpr std::size_t piece_bytes = 24'000;
  std::vector<Event> events;
  for (auto rest = bytes; !rest.empty(); rest.remove_prefix(std::min(rest.size(), piece_bytes))) {
    auto& event = events.emplace_back();
    event.token = true;
    Writer{event.data}
        .begin_object()
        .key("type")
        .string("speech.audio.delta")
        .key("audio")
        .string(to_base64(rest.substr(0, piece_bytes)))
        .end_object();
  }
  const auto in = count_tokens(speech.input);
  const auto out = sound_tokens(static_cast<double>(bytes.size()) / (2.0 * samples_per_second));
  Writer writer{events.emplace_back().data};
  writer.begin_object().key("type").string("speech.audio.done").key("usage").begin_object().key("input_tokens").number(in);
  writer.key("output_tokens").number(out).key("total_tokens").number(in + out).end_object().end_object();
  return events;
}

Status read_speech(const TaskAsk& ask, TaskPlan& plan) {
  Speech speech;
  Status status = read_task(ask, reading, speech_rows, plan, speech);
  if (!status) return status;
  plan.stream = speech.stream_format == "sse";
  plan.reply = [speech = std::move(speech), stream = plan.stream](const TaskScene&) -> Result<TaskReply> {
    const bool bare = speech.format == "pcm";
    TaskReply reply;
    reply.body = bare ? tones(speech.input, speech.speed) : wav(speech.input, speech.speed);
    reply.type = bare ? "content-type: audio/pcm\r\n" : "content-type: audio/wav\r\n";
    if (stream) reply.events = speech_events(speech, reply.body);
    return reply;
  };
  return {};
}

// ---- Transcriptions --------------------------------------------------------------------------------------------------------

constexpr std::size_t file_bytes_max = 26'214'400;
constexpr double shortest_seconds = 0.1;

struct Hearing {
  Sound sound;
  std::string task = "transcribe";
  std::string format = "json";
  std::string language = "english";
  bool words = false;
  bool segments = false;
  bool stream = false;
};

Status take_hearing_format(const At& at, Hearing& hearing) {
  hearing.format = at.text();
  constexpr std::string_view formats[] = {"json", "text", "srt", "verbose_json", "vtt"};
  return one_of(at, formats);
}
Status take_language(const At& at, Hearing& hearing) {
  hearing.language = at.text();
  const bool code = hearing.language.size() == 2 || hearing.language.size() == 3;
  if (code && is_plain_name(hearing.language, 3)) return {};
  return refuse_request(
      cat("Invalid language '", hearing.language, "'. Language parameter must be specified in ISO-639-1 format."), "language",
      "invalid_language_format");
}
Status take_granularities(const At& at, Hearing& hearing) {
  return at.each(is_text, [&](const At& one) {
    hearing.words = hearing.words || one.text() == "word";
    hearing.segments = hearing.segments || one.text() == "segment";
    constexpr std::string_view granularities[] = {"word", "segment"};
    return one_of(one, granularities);
  });
}
Status take_temperature(const At& at, Hearing&) { return take_sampling(at, "temperature", 0, 1); }
Status take_include(const At& at, Hearing&) {
  constexpr std::string_view extras[] = {"logprobs"};
  return at.each(is_text, [&](const At& one) { return one_of(one, extras); });
}

constexpr Row<Hearing> transcription_rows[] = {
    {"model", is_text, nullptr, true},
    {"language", is_text, take_language},
    {"prompt", is_text},
    {"response_format", is_text, take_hearing_format},
    {"temperature", is_number, take_temperature},
    {"timestamp_granularities", is_list, take_granularities},
    {"include", is_list, take_include},
    {"stream", is_bool, take_bool<&Hearing::stream>},
    {"chunking_strategy", is_text},
};
constexpr Row<Hearing> translation_rows[] = {
    {"model", is_text, nullptr, true},
    {"prompt", is_text},
    {"response_format", is_text, take_hearing_format},
    {"temperature", is_number, take_temperature},
};

Status take_file(const Upload& upload, Hearing& hearing) {
  const auto* file = upload.file("file");
  if (file == nullptr) return missing("file");
  constexpr std::string_view endings[] = {"flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm"};
  const auto dot = file->filename.rfind('.');
  const auto ending = dot == std::string::npos ? std::string{} : to_lower(std::string_view{file->filename}.substr(dot + 1));
  if (std::ranges::find(endings, ending) == std::end(endings)) {
    std::string list;
    for (const auto one : endings) append(list, cat(list.empty() ? "'" : ", '", one, "'"));
    return refuse_request(cat("Invalid file format. Supported formats: [", list, "]"), "", "");
  }
  if (file->size > file_bytes_max) {
    return fail(Kind::too_large, cat("Maximum content size limit (", file_bytes_max, ") exceeded (", file->size, " bytes read)"));
  }
  const auto type = sniff(file->bytes);
  const bool sound = type.starts_with("audio/") || type.starts_with("video/") || (type.empty() && ending != "wav");
  if (!sound || file->bytes.empty()) {
    return refuse_request("The audio file could not be decoded or its format is not supported.", "file", "invalid_value");
  }
  hearing.sound = listen(file->bytes, file->size);
  if (type != "audio/wav" || hearing.sound.seconds >= shortest_seconds) return {};
  return refuse_request("Audio file is too short. Minimum audio length is 0.1 seconds.", "file", "audio_too_short");
}

/// A piece of what is said, in time.
struct Span {
  std::string_view text;
  double begin = 0;
  double end = 0;
  std::uint64_t tokens = 0;
};
/// Pieces of so many words; every word takes the same time.
std::vector<Span> spans_of(const Sound& sound, std::uint64_t words_each) {
  const std::string_view text = sound.text;
  const double each = sound.seconds / static_cast<double>(std::max<std::uint64_t>(1, count_tokens(text)));
  const auto round = [](double seconds) { return std::round(seconds * 100) / 100; };
  std::vector<Span> spans;
  std::uint64_t words = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto begin = at;
    const auto first = words;
    for (; at < text.size() && words - first < words_each; ++words) at = token_end(text, at);
    spans.push_back({text.substr(begin, at - begin), round(static_cast<double>(first) * each),
                     round(static_cast<double>(words) * each), words - first});
  }
  return spans;
}
constexpr std::uint64_t words_of_segment = 8;

std::string clock(double seconds, std::string_view before_thousandths) {
  const auto all = static_cast<std::uint64_t>(std::llround(seconds * 1000));
  const auto digits = [](std::uint64_t number, std::size_t width) {
    auto text = cat(number);
    return std::string(width - std::min(width, text.size()), '0') + text;
  };
  return cat(digits(all / 3'600'000, 2), ":", digits(all / 60'000 % 60, 2), ":", digits(all / 1000 % 60, 2), before_thousandths,
             digits(all % 1000, 3));
}

/// SubRip and WebVTT differ in a point and the beginning.
std::string subtitles(const Sound& sound, bool vtt) {
  std::string out = vtt ? "WEBVTT\n\n" : "";
  const std::string_view point = vtt ? "." : ",";
  std::size_t number = 0;
  for (const auto& span : spans_of(sound, words_of_segment)) {
    if (!vtt) append(out, cat(++number, "\n"));
    append(out, cat(clock(span.begin, point), " --> ", clock(span.end, point), "\n", trim(span.text), "\n\n"));
  }
  return out;
}

void write_token_usage(Writer& writer, const Hearing& hearing) {
  const auto in = sound_tokens(hearing.sound.seconds);
  const auto out = count_tokens(hearing.sound.text);
  writer.key("usage")
      .begin_object()
      .key("type")
      .string("tokens")
      .key("input_tokens")
      .number(in)
      .key("input_token_details")
      .begin_object();
  writer.key("text_tokens").number(0).key("audio_tokens").number(in).end_object();
  writer.key("output_tokens").number(out).key("total_tokens").number(in + out).end_object();
}

void write_segments(Writer& writer, const Hearing& hearing) {
  writer.key("segments").begin_array();
  std::uint64_t id = 0;
  for (const auto& span : spans_of(hearing.sound, words_of_segment)) {
    writer.begin_object()
        .key("id")
        .number(id++)
        .key("seek")
        .number(0)
        .key("start")
        .number(span.begin)
        .key("end")
        .number(span.end);
    writer.key("text").string(span.text).key("tokens").begin_array();
    for (std::uint64_t i = 0; i < span.tokens; ++i) writer.number(fingerprint(span.text, i) % 50'000);
    writer.end_array().key("temperature").number(0).key("avg_logprob").number(-0.25).key("compression_ratio").number(1.25);
    writer.key("no_speech_prob").number(0.01).end_object();
  }
  writer.end_array();
}

std::string verbose(const Hearing& hearing) {
  std::string out;
  Writer writer{out};
  writer.begin_object().key("task").string(hearing.task).key("language").string(hearing.language);
  writer.key("duration").number(hearing.sound.seconds).key("text").string(hearing.sound.text);
  if (hearing.words) {
    writer.key("words").begin_array();
    for (const auto& span : spans_of(hearing.sound, 1)) {
      writer.begin_object()
          .key("word")
          .string(trim(span.text))
          .key("start")
          .number(span.begin)
          .key("end")
          .number(span.end)
          .end_object();
    }
    writer.end_array();
  }
  if (hearing.segments || !hearing.words) write_segments(writer, hearing);
  writer.key("usage").begin_object().key("type").string("duration");
  writer.key("seconds").number(static_cast<std::uint64_t>(std::ceil(hearing.sound.seconds))).end_object().end_object();
  return out;
}

std::vector<Event> hearing_events(const Hearing& hearing) {
  std::vector<Event> events;
  for (const auto& span : spans_of(hearing.sound, 1)) {
    auto& event = events.emplace_back();
    event.token = true;
    Writer{event.data}.begin_object().key("type").string("transcript.text.delta").key("delta").string(span.text).end_object();
  }
  Writer writer{events.emplace_back().data};
  writer.begin_object().key("type").string("transcript.text.done").key("text").string(hearing.sound.text);
  write_token_usage(writer, hearing);
  writer.end_object();
  return events;
}

TaskReply hearing_answer(const Hearing& hearing) {
  TaskReply reply;
  if (hearing.stream) {
    reply.events = hearing_events(hearing);
    return reply;
  }
  if (hearing.format == "json" || hearing.format == "verbose_json") {
    if (hearing.format == "verbose_json") {
      reply.body = verbose(hearing);
      return reply;
    }
    Writer writer{reply.body};
    writer.begin_object().key("text").string(hearing.sound.text);
    write_token_usage(writer, hearing);
    writer.end_object();
    return reply;
  }
  reply.type =
      hearing.format == "vtt" ? "content-type: text/vtt; charset=utf-8\r\n" : "content-type: text/plain; charset=utf-8\r\n";
  reply.body = hearing.format == "text" ? cat(hearing.sound.text, "\n") : subtitles(hearing.sound, hearing.format == "vtt");
  return reply;
}

template <bool Translate>
Status read_hearing(const TaskAsk& ask, TaskPlan& plan) {
  Hearing hearing;
  Status status = Translate ? read_form_task(ask, reading, translation_rows, plan, hearing)
                            : read_form_task(ask, reading, transcription_rows, plan, hearing);
  if (status) status = take_file(*ask.upload, hearing);
  if (!status) return status;
  if (Translate) hearing.task = "translate";
  const bool timed = hearing.words || hearing.segments;
  if (timed && hearing.format != "verbose_json") {
    return refuse_request("timestamp_granularities[] is only supported with response_format verbose_json.",
                          "timestamp_granularities", "invalid_value");
  }
  plan.stream = hearing.stream;
  plan.reply = [hearing = std::move(hearing)](const TaskScene&) -> Result<TaskReply> { return hearing_answer(hearing); };
  return {};
}

}  // namespace

const TaskForm openai_speech{&openai_task_form, read_speech};
const TaskForm openai_transcriptions{&openai_task_form, read_hearing<false>};
const TaskForm openai_translations{&openai_task_form, read_hearing<true>};

}  // namespace cardea::twin
