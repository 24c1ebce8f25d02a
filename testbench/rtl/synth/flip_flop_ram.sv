// Read without a clock, which block RAM cannot: 4096 bits would become flip-flops.

module flip_flop_ram (
  input  logic         clk_i,
  input  logic         write_i,
  input  logic [4:0]   write_address_i,
  input  logic [127:0] write_data_i,
  input  logic [4:0]   read_address_i,
  output logic [127:0] read_data_o
);

  logic [127:0] lines [32];
  always_ff @(posedge clk_i) if (write_i) lines[write_address_i] <= write_data_i;
  assign read_data_o = lines[read_address_i];

endmodule
