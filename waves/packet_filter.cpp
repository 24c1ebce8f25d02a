// A process filter for GTKWave: reads a value a line, in hexadecimal, and answers each with a line
// of text. Without an argument values are packet headers, with "answer" they are answers.
#include <iostream>
#include <string>

#include "packet_text.h"

int main(int argc, char** argv) {
  const auto text = argc > 1 && std::string_view(argv[1]) == "answer" ? xybus::answer_text
                                                                       : xybus::packet_text;
  for (std::string line; std::getline(std::cin, line);) std::cout << text(line) << std::endl;
}
