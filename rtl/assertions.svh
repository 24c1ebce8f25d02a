// One vocabulary for the rules at the foot of each module.
//
// `XYBUS_RULE(Name, Condition) holds in every cycle outside reset. It needs clk_i and rst_ni in
// scope. Verilator checks it in every run, in the clock domain of the module: for a concurrent
// assertion it would sample everything that the condition reads in every evaluation, even while
// the clock stands still. A formal tool reads the same line as a property; to synthesis it is
// nothing.
`ifndef XYBUS_ASSERTIONS_SVH
`define XYBUS_ASSERTIONS_SVH

`ifdef VERILATOR
`define XYBUS_RULE(Name, Condition) \
  always_ff @(posedge clk_i) begin : Name \
    if (rst_ni) assert (Condition) else $error("rule broken: %m"); \
  end
`else
`define XYBUS_RULE(Name, Condition) \
  Name : assert property (@(posedge clk_i) disable iff (!rst_ni) (Condition)) \
  else $error("rule broken: %m");
`endif

`endif
