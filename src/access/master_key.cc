#include "access/master_key.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "access/vault.h"
#include "base/base64.h"
#include "base/text.h"
#include "config/settings.h"
#include "net/crypto.h"

namespace cardea::access {
namespace {

constexpr std::size_t pass_phrase_min = 16;
constexpr std::size_t file_bytes_max = 64 << 10;
constexpr std::string_view credential_name = "cardea-master-key";
/// Of the pass phrase's scrypt. Nothing better is known before the store is open.
constexpr std::string_view pass_phrase_salt = "cardea master key";

std::string because() { return std::strerror(errno); }  // NOLINT: one thread starts the gateway

class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_{fd} {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

std::optional<Secret> from_hex(std::string_view text) {
  if (text.size() != 2 * master_key_bytes) return std::nullopt;
  std::string out;
  out.reserve(master_key_bytes);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const std::array<char, 3> escape{'%', text[i], text[i + 1]};
    const int byte = percent_escape({escape.data(), escape.size()});
    if (byte < 0) return std::nullopt;
    out += static_cast<char>(byte);
  }
  return Secret{std::move(out)};
}

/// std::nullopt: there is no such file.
Result<std::optional<Secret>> read_file(const std::string& path) {
  const Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)};
  if (file.get() < 0 && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  if (file.get() < 0) return fail(Kind::config, cat("the master key's file ", path, " cannot be read: ", because()));
  struct stat state{};
  if (fstat(file.get(), &state) != 0 || !S_ISREG(state.st_mode)) {
    return fail(Kind::config, cat("the master key's file ", path, " is no plain file"));
  }
  if ((state.st_mode & (S_IRWXO | S_IWGRP)) != 0) {
    return fail(Kind::config, cat("others may read or change the master key's file ", path, ": run 'chmod 600 ", path,
                                  "' (a container's secret: mode 0400 or 0440), and make a new key if strangers could read it"));
  }
  std::string text(file_bytes_max + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const auto got = read(file.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(Kind::config, cat("the master key's file ", path, " cannot be read: ", because()));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > file_bytes_max) return fail(Kind::config, cat("the master key's file ", path, " is too large for keys"));
  text.resize(size);
  return Secret{std::move(text)};
}

/// The lines that hold keys; views into `text`.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto end = text.find('\n');
    auto line = trim(text.substr(0, end));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty() && !line.starts_with('#')) out.push_back(line);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
  return out;
}

/// Exactly as many bytes as a key has, and not a text: the key itself, as `head -c 32 /dev/urandom` writes it.
bool is_raw(std::string_view text) {
  return text.size() == master_key_bytes && std::ranges::any_of(text, [](char c) { return (c < ' ' && c != '\n') || c > '~'; });
}

enum class Missing : std::uint8_t { is_nothing, is_problem };

Status take_file(const std::string& path, Missing missing, MasterKeys& out) {
  auto text = read_file(path);
  if (!text) return fail_with(text);
  if (!*text && missing == Missing::is_problem) {
    return fail(Kind::config, cat("the master key's file ", path,
                                  " does not exist: make it ('openssl rand -base64 32', mode 600), "
                                  "or leave master_key out"));
  }
  if (!*text) return {};
  const auto first = out.keys.size();
  if (is_raw((*text)->reveal())) {
    out.keys.push_back(**text);
  } else {
    for (const auto line : lines_of((*text)->reveal())) {
      auto key = read_master_key(line, cat("the master key in ", path));
      if (!key) return fail_with(key);
      out.keys.push_back(std::move(*key));
    }
  }
  if (out.keys.size() == first) {
    return fail(Kind::config,
                cat("the master key's file ", path, " is empty: restore it, or remove it when nothing was sealed yet"));
  }
  if (out.source.empty()) out.source = path;
  return {};
}

Secret new_key_line() {
  std::array<std::uint8_t, master_key_bytes> key{};
  net::random_bytes(key);
  Secret line{to_base64({reinterpret_cast<const char*>(key.data()), key.size()}) + '\n'};
  explicit_bzero(key.data(), key.size());
  return line;
}

/// A whole new file in the place of the old, on disk when it returns.
Status replace_file(const std::string& path, std::string_view text) {
  const auto failed = [&path] {
    return fail(Kind::config, cat("the master key's file ", path, " cannot be written: ", because()));
  };
  const std::string fresh = path + ".new";
  unlink(fresh.c_str());
  {
    const Descriptor file{open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (file.get() < 0) return failed();
    while (!text.empty()) {
      const auto put = write(file.get(), text.data(), text.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return failed();
      text.remove_prefix(static_cast<std::size_t>(put));
    }
    if (fsync(file.get()) != 0) return failed();
  }
  if (rename(fresh.c_str(), path.c_str()) != 0) return failed();
  const auto slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const Descriptor directory{open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (directory.get() < 0 || fsync(directory.get()) != 0) return failed();
  return {};
}

}  // namespace

std::string master_key_path(const std::string& data_directory) { return data_directory + "/master.key"; }

Result<Secret> read_master_key(std::string_view text, std::string_view what) {
  if (auto key = from_hex(text)) return std::move(*key);
  if (auto bytes = from_base64(text)) {
    Secret key{std::move(*bytes)};
    if (key.reveal().size() == master_key_bytes) return key;
  }
  if (text.size() < pass_phrase_min) {
    return fail(Kind::config, cat(what,
                                  " is too short: use 32 random bytes in base64 ('openssl rand -base64 32') or hexadecimal, "
                                  "or a pass phrase of at least ",
                                  pass_phrase_min, " characters"));
  }
  return net::scrypt(text, pass_phrase_salt);
}

Result<MasterKeys> find_master_keys(const config::MasterKey& configured, std::string_view credentials_directory,
                                    const std::string& data_directory) {
  MasterKeys out;
  if (!configured.value.empty()) {
    auto key = read_master_key(configured.value.reveal(), "master_key.value (CARDEA_MASTER_KEY)");
    if (!key) return fail_with(key);
    out.keys.push_back(std::move(*key));
    out.source = "master_key.value";
  }
  if (!configured.file.empty()) {
    if (auto taken = take_file(configured.file, Missing::is_problem, out); !taken) return fail_with(taken);
  }
  if (!credentials_directory.empty()) {
    const auto path = cat(credentials_directory, '/', credential_name);
    if (auto taken = take_file(path, Missing::is_nothing, out); !taken) return fail_with(taken);
  }
  const auto own = master_key_path(data_directory);
  if (auto taken = take_file(own, Missing::is_nothing, out); !taken) return fail_with(taken);
  for (const auto& old : configured.old) {
    auto key = read_master_key(old.reveal(), "a key of master_key.old");
    if (!key) return fail_with(key);
    // Where nothing newer is, an old key alone must not seal: that is a slip of the pen in the configuration.
    if (out.keys.empty())
      return fail(Kind::config, "master_key.old is given, but no new master key: set master_key.value or .file");
    out.keys.push_back(std::move(*key));
  }
  if (!out.keys.empty()) return out;
  if (auto made = add_master_key(own); !made) return fail_with(made);
  if (auto taken = take_file(own, Missing::is_problem, out); !taken) return fail_with(taken);
  return out;
}

Status add_master_key(const std::string& path) {
  auto former = read_file(path);
  if (!former) return fail_with(former);
  auto text = std::string{new_key_line().reveal()};
  if (*former && is_raw((*former)->reveal())) {
    text += to_base64((*former)->reveal());
  } else if (*former) {
    text += (*former)->reveal();
  }
  const Secret whole{std::move(text)};
  return replace_file(path, whole.reveal());
}

}  // namespace cardea::access
