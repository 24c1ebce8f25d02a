// Lines that a reset clears one and all: the front end sees no memory in them.

module register_array (
  input  logic              clk_i,
  input  logic              rst_ni,
  input  logic              write_i,
  input  logic [3:0]        address_i,
  input  logic [127:0]      write_data_i,
  output logic [127:0]      read_data_o
);

  logic [15:0][127:0] lines_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) lines_q <= '0;
    else if (write_i) lines_q[address_i] <= write_data_i;
    read_data_o <= lines_q[address_i];
  end

endmodule
