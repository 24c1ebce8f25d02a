// One vocabulary for the rules at the foot of each module.
//
// `XYBUS_RULE(Name, Condition) holds in every cycle outside reset. It needs clk_i and rst_ni in
// scope. Verilator checks it in every run; a formal tool reads the same line as a property.
`ifndef XYBUS_ASSERTIONS_SVH
`define XYBUS_ASSERTIONS_SVH

`define XYBUS_RULE(Name, Condition) \
  Name : assert property (@(posedge clk_i) disable iff (!rst_ni) (Condition)) \
  else $error("rule broken: %m");

`endif
