// Two clock gates, each with a count of the edges that it passes: one gates, one does not.

module clock_gates (
  input  logic        clk_i,
  input  logic        enable_i,
  output logic        gated_o,
  output logic [15:0] gated_edges_o,
  output logic [15:0] free_edges_o
);

  logic        free;
  logic [15:0] gated_q, free_q;

  clock_gate u_gate (
    .clk_i,
    .enable_i,
    .clk_o(gated_o)
  );

  clock_gate #(
    .Enabled(1'b0)
  ) u_bypass (
    .clk_i,
    .enable_i,
    .clk_o(free)
  );

  always_ff @(posedge gated_o) gated_q <= gated_q + 16'd1;
  always_ff @(posedge free) free_q <= free_q + 16'd1;
  assign gated_edges_o = gated_q;
  assign free_edges_o  = free_q;

endmodule
