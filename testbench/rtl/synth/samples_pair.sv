// The samples from their source and from their netlist, on the same pins.

module samples_pair (
  input  logic         clk_i,
  input  logic         rst_ni,
  input  logic [31:0]  value_i,
  input  logic [31:0]  word_i,
  output logic [31:0]  value_o         [2],
  input  logic [4:0]   request_i,
  input  logic         take_i,
  output logic [4:0]   grant_o         [2],
  input  logic         read_i,
  input  logic [7:0]   read_address_i,
  output logic [127:0] read_data_o     [2],
  input  logic         write_i,
  input  logic [15:0]  write_bytes_i,
  input  logic [7:0]   write_address_i,
  input  logic [127:0] write_data_i
);

  samples u_source (
    .clk_i,
    .rst_ni,
    .value_i,
    .word_i,
    .value_o    (value_o[0]),
    .request_i,
    .take_i,
    .grant_o    (grant_o[0]),
    .read_i,
    .read_address_i,
    .read_data_o(read_data_o[0]),
    .write_i,
    .write_bytes_i,
    .write_address_i,
    .write_data_i
  );

  samples_netlist u_netlist (
    .clk_i,
    .rst_ni,
    .value_i,
    .word_i,
    .value_o    (value_o[1]),
    .request_i,
    .take_i,
    .grant_o    (grant_o[1]),
    .read_i,
    .read_address_i,
    .read_data_o(read_data_o[1]),
    .write_i,
    .write_bytes_i,
    .write_address_i,
    .write_data_i
  );

endmodule
