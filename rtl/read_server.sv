// Serves remote reads: sends what other nodes ask for out of windows of this node.
//
//   receive lanes ──► queue ──► read server ──► segmenter ──write packets──► send scheduler
//                                │       │           ▲
//                  window table ◄┘       └► event    └── fates: lanes, scheduler
//
// Reads are served one after the other, in the order of their arrival (of two that arrive in one
// cycle, X first). The bytes go to the reader in packets of 256, the last with the rest; the last
// has the notify bit. Before each packet the window table is asked whether the reader may still
// read these bytes, so a window closed meanwhile ends the read: at most one packet more was allowed
// before, and while serving_o is high it may still be sent.
//
// The CPU gets an event only for a read that ended early; its entry is claimed when there is room.
// The event's bus and header are those of the packet that failed. When this node's own window ends
// the read (status denied) the bus is that of the request, and the header names the reader and the
// bytes that were not sent; number and epoch are zero. The cookie is the reader's window word.

`include "assertions.svh"

module read_server
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
(
  input  logic          clk_i,
  /// Low also while the engine is disabled.
  input  logic          rst_ni,
  input  logic [3:0]    node_i,
  /// Reads accepted, by bus. Ready: there is room for one of each bus. So a lane may look at it as
  /// early as it likes within the packet.
  input  logic [1:0]    take_valid_i,
  input  read_take_t    take_i [2],
  output logic          ready_o,
  /// A read waits or is being served.
  output logic          serving_o,
  /// Question to the window table; the reply comes in the cycle after it was taken.
  output logic          lookup_valid_o,
  output lookup_t       lookup_o,
  input  logic          lookup_ready_i,
  /* verilator lint_off UNUSEDSIGNAL */  // the request brings the generation
  input  lookup_reply_t lookup_reply_i,
  /* verilator lint_on UNUSEDSIGNAL */
  /// To the send scheduler; see segmenter for the fates, of lane X, lane Y and the scheduler.
  output logic          valid_o,
  output offer_t        offer_o,
  input  logic          offer_take_i,
  input  fate_t         fate_i [3],
  /// The event ring has room; one entry of it is claimed; the event.
  input  logic          room_i,
  output logic          claim_o,
  output logic          event_valid_o,
  output event_entry_t  event_o,
  input  logic          event_ready_i,
  /// The next edge changes something, without anything from outside the engine.
  output logic          busy_o,
  /// No read waits or is being served.
  output logic          idle_o
);

  // ---- Queue --------------------------------------------------------------------------------

  localparam int unsigned Depth = 4;

  read_take_t queue_q [Depth];
  logic [1:0] head_q;
  logic [2:0] count_q;
  logic       pop;
  logic [1:0] free;
  assign free = head_q + count_q[1:0];

  logic [2:0] count_next;
  assign count_next = count_q + 3'(take_valid_i[0]) + 3'(take_valid_i[1]) - 3'(pop);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      head_q  <= '0;
      count_q <= '0;
    end else if ((take_valid_i != '0) || pop) begin
      count_q <= count_next;
      if (pop) head_q <= head_q + 2'd1;
      if (take_valid_i[0]) queue_q[free] <= take_i[0];
      if (take_valid_i[1]) queue_q[free + 2'(take_valid_i[0])] <= take_i[1];
    end
  end

  assign ready_o = count_q <= 3'(Depth - 2);

  // ---- Packets ------------------------------------------------------------------------------

  typedef enum logic [2:0] {
    Idle,
    Start,
    Serve,
    Claim,  // waits for room in the event ring
    Report
  } state_e;

  state_e         state_q;
  logic           asked_q;    // the reply to a question is there
  line_address_t  address_q;  // of the packet at hand
  send_status_e   status_q;
  logic           bus_q;
  packet_header_t header_q;

  /* verilator lint_off UNUSEDSIGNAL */  // the request's reserved field
  read_take_t read_q;
  /* verilator lint_on UNUSEDSIGNAL */

  nodes_t         reader;
  logic           ask, done, denied, seg_bus, seg_busy;
  logic [8:0]     length;
  line_address_t  lines;
  send_status_e   seg_status;
  packet_header_t seg_header;
  assign reader = nodes_t'(1) << read_q.source;

  segmenter #(
    .Origin(OriginServe)
  ) u_segmenter (
    .clk_i,
    .rst_ni,
    .start_i       (state_q == Start),
    .route_i       (RouteAny),
    .kind_i        (PacketKindWrite),
    .destinations_i(reader),
    .length_i      (read_q.request.length),
    .window_i      (window_word_t'(read_q.request.reply)),
    .notify_i      (1'b1),
    .request_i     ('0),
    .ask_o         (ask),
    .length_o      (length),
    .lines_o       (lines),
    .leave_i       (asked_q && lookup_reply_i.allowed),
    .deny_i        (asked_q && !lookup_reply_i.allowed),
    .address_i     (address_q),
    .valid_o,
    .offer_o,
    .take_i        (offer_take_i),
    .fate_i,
    .done_o        (done),
    .status_o      (seg_status),
    .denied_o      (denied),
    .bus_o         (seg_bus),
    .header_o      (seg_header),
    .busy_o        (seg_busy)
  );

  assign lookup_valid_o = ask && !asked_q;

  always_comb begin
    lookup_o        = '0;
    lookup_o.peer   = read_q.source;
    lookup_o.length = 20'(length);
    lookup_o.place  = read_q.window;
    lookup_o.place.offset = read_q.window.offset + lines;
  end

  // ---- Reads --------------------------------------------------------------------------------

  assign pop     = (state_q == Idle) && (count_q != '0);
  assign claim_o = (state_q == Claim) && room_i;

  packet_header_t unsent;
  always_comb begin
    unsent               = '0;
    unsent.dst_mask      = reader;
    unsent.source        = node_i;
    unsent.kind          = PacketKindWrite;
    unsent.traffic_class = TrafficClassData;
    unsent.length        = 12'(length);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= Idle;
      asked_q <= 1'b0;
    end else begin
      if (asked_q) begin
        asked_q   <= 1'b0;
        address_q <= lookup_reply_i.address;
      end else if (lookup_valid_o && lookup_ready_i) begin
        asked_q <= 1'b1;
      end
      unique case (state_q)
        Idle: begin
          if (pop) begin
            state_q <= Start;
            read_q  <= queue_q[head_q];
          end
        end
        Start: state_q <= Serve;
        Serve: begin
          if (done) begin
            state_q  <= (seg_status == SendStatusOk) ? Idle : Claim;
            status_q <= seg_status;
            bus_q    <= denied ? read_q.bus : seg_bus;
            header_q <= denied ? unsent : seg_header;
          end
        end
        Claim: begin
          if (room_i) state_q <= Report;
        end
        Report: begin
          if (event_ready_i) state_q <= Idle;
        end
        default: state_q <= Idle;
      endcase
    end
  end

  always_comb begin
    event_o            = '0;
    event_o.event_type = EventTypeReadFailed;
    event_o.bus        = bus_q;
    event_o.status     = status_q;
    event_o.cookie     = read_q.request.reply;
    {event_o.header_1, event_o.header_0} = header_q;
  end

  assign event_valid_o = state_q == Report;
  assign serving_o     = !idle_o;
  assign busy_o        = (take_valid_i != '0) || pop || seg_busy || asked_q || claim_o ||
                         (state_q == Start) || event_valid_o;
  assign idle_o        = (state_q == Idle) && (count_q == '0);

  // Rules.
  `XYBUS_RULE(QueueHasRoom, 4'(count_q) + 4'(take_valid_i[0]) + 4'(take_valid_i[1]) <= 4'(Depth))
  `XYBUS_RULE(ClaimNeedsRoom, !claim_o || room_i)
  `XYBUS_RULE(OfferIsBeingServed, !valid_o || (state_q == Serve))

endmodule
