// A branch that assigns nothing, in a module within another.

module latch (
  input  logic       enable_i,
  input  logic [3:0] data_i,
  output logic [3:0] held_o
);

  logic [3:0] held;
  always_comb if (enable_i) held = data_i;
  assign held_o = held;

endmodule
