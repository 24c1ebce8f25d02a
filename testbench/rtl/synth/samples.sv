// Samples of the hardware, for comparing their netlist with their source: logic alone, state, and
// a memory that becomes block RAM.

module samples
  import crc32c_pkg::*;
(
  input  logic         clk_i,
  input  logic         rst_ni,
  input  logic [31:0]  value_i,
  input  logic [31:0]  word_i,
  output logic [31:0]  value_o,
  input  logic [4:0]   request_i,
  input  logic         take_i,
  output logic [4:0]   grant_o,
  input  logic         read_i,
  input  logic [7:0]   read_address_i,
  output logic [127:0] read_data_o,
  input  logic         write_i,
  input  logic [15:0]  write_bytes_i,
  input  logic [7:0]   write_address_i,
  input  logic [127:0] write_data_i
);

  assign value_o = crc32c_step(value_i, word_i);

  round_robin_arbiter #(
    .Width(5)
  ) u_arbiter (
    .clk_i,
    .rst_ni,
    .request_i,
    .grant_o,
    .take_i
  );

  node_ram #(
    .SizeBytes(4096)
  ) u_ram (
    .clk_i,
    .read_i,
    .read_address_i,
    .read_data_o,
    .write_i(write_i ? write_bytes_i : '0),
    .write_address_i,
    .write_data_i
  );

endmodule
