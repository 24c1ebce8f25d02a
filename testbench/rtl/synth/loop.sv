// Two gates, each in a module of its own, that feed each other: no module alone has a loop.

module gate (
  input  logic a_i,
  input  logic b_i,
  output logic y_o
);

  assign y_o = !(a_i && b_i);

endmodule

module loop (
  input  logic set_ni,
  input  logic reset_ni,
  output logic state_o
);

  logic set, reset;
  gate u_set (.a_i(set_ni), .b_i(reset), .y_o(set));
  gate u_reset (.a_i(reset_ni), .b_i(set), .y_o(reset));
  assign state_o = set;

endmodule
