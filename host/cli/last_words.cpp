#include "cli/last_words.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <utility>

namespace xybus {
namespace {

// Nothing else may be called in a signal's handler; what cannot be written then is lost.
void put(int file, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t count = write(file, text.data() + done, text.size() - done);
    if (count <= 0) return;
    done += static_cast<std::size_t>(count);
  }
}

}  // namespace

LastWords* LastWords::current_ = nullptr;

LastWords::LastWords(std::string file, std::string text, std::string said)
    : file_(std::move(file)), text_(std::move(text)), said_(std::move(said)) {
  current_ = this;
  before_ = std::signal(SIGABRT, &LastWords::say);
}

LastWords::~LastWords() {
  std::signal(SIGABRT, before_);
  current_ = nullptr;
}

void LastWords::say(int) {
  const int file = open(current_->file_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (file >= 0) {
    put(file, current_->text_);
    close(file);
  }
  put(STDERR_FILENO, current_->said_);
}

}  // namespace xybus
