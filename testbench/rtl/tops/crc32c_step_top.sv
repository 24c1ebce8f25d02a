// The CRC step as a module, for its bench.

module crc32c_step_top
  import crc32c_pkg::*;
(
  input  logic [31:0] value_i,
  input  logic [31:0] word_i,
  output logic [31:0] value_o
);

  assign value_o = crc32c_step(value_i, word_i);

endmodule
