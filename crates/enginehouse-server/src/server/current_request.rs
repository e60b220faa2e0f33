//! The request that a connection works on, kept apart from hyper's connection: so that it outlives it.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Version, header};
use hyper::body::{Frame, Incoming, SizeHint};
use tower::ServiceExt;

use super::activity::{Activity, OneRequest};
use super::request_head::HeadCheck;
use crate::http::LongWait;
use crate::peer::Peer;

/// The answer to a request, once there is one.
type FutureAnswer = BoxFuture<'static, Response<CountedBody>>;

/// Answers the requests of one connection, one after the other.
#[derive(Clone)]
pub(super) struct RequestService {
    router: Router,
    peer: Peer,
    head_check: HeadCheck,
    activity: Activity,
    current: Arc<Mutex<CurrentRequest>>,
}

/// What the connection works on. HTTP/1.1 answers one request before it begins the next.
enum CurrentRequest {
    None,
    UnderWay {
        answer: FutureAnswer,
        long_wait: LongWait,
        version: Version,
        /// Whether the client wants to use the connection further.
        keeps_alive: bool,
    },
    /// It was answered while hyper did not look.
    Answered(Box<Response<CountedBody>>),
}

/// A request whose answer may be long in coming, taken away from hyper.
pub(super) struct LongRequest {
    pub(super) answer: FutureAnswer,
    version: Version,
    keeps_alive: bool,
}

impl RequestService {
    pub(super) fn new(router: Router, peer: Peer, head_check: HeadCheck, activity: Activity) -> Self {
        Self { router, peer, head_check, activity, current: Arc::new(Mutex::new(CurrentRequest::None)) }
    }

    fn current(&self) -> MutexGuard<'_, CurrentRequest> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the present request away, if its answer may be long in coming.
    pub(super) fn take_long(&self) -> Option<LongRequest> {
        let mut current = self.current();
        if !matches!(&*current, CurrentRequest::UnderWay { long_wait, .. } if long_wait.has_begun()) {
            return None;
        }
        match std::mem::replace(&mut *current, CurrentRequest::None) {
            CurrentRequest::UnderWay { answer, version, keeps_alive, .. } => {
                Some(LongRequest { answer, version, keeps_alive })
            }
            CurrentRequest::None | CurrentRequest::Answered(_) => None,
        }
    }

    /// Gives the next request that hyper reads this answer.
    pub(super) fn set_answer(&self, answer: Response<CountedBody>) {
        *self.current() = CurrentRequest::Answered(Box::new(answer));
    }
}

impl LongRequest {
    /// The head of a request that hyper answers in the same way as the one that was taken away.
    pub(super) fn stand_in(&self, shuts_down: bool) -> &'static [u8] {
        match (self.version, self.keeps_alive && !shuts_down) {
            (Version::HTTP_10, true) => b"POST / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n",
            (Version::HTTP_10, false) => b"POST / HTTP/1.0\r\n\r\n",
            (_, true) => b"POST / HTTP/1.1\r\n\r\n",
            (_, false) => b"POST / HTTP/1.1\r\nconnection: close\r\n\r\n",
        }
    }
}

fn keeps_alive(version: Version, headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::CONNECTION).into_iter().filter_map(|value| value.to_str().ok());
    let mut options = values.flat_map(|value| value.split(',')).map(str::trim);
    match version {
        Version::HTTP_10 => options.any(|option| option.eq_ignore_ascii_case("keep-alive")),
        _ => !options.any(|option| option.eq_ignore_ascii_case("close")),
    }
}

impl hyper::service::Service<Request<Incoming>> for RequestService {
    type Response = Response<CountedBody>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Answering {
        let mut current = self.current();
        if !matches!(*current, CurrentRequest::Answered(_)) {
            let counted = self.activity.begin();
            let (version, keeps_alive) = (request.version(), keeps_alive(request.version(), request.headers()));
            let long_wait = LongWait::default();
            let refused = self.head_check.check(&request).err();
            let mut request = request.map(|incoming| match incoming.is_end_stream() {
                true => Body::empty(),
                false => Body::new(ReceivedBody::new(incoming, self.activity.clone())),
            });
            if let Some(refused) = refused {
                request.extensions_mut().insert(refused);
            }
            request.extensions_mut().insert(self.peer.clone());
            request.extensions_mut().insert(long_wait.clone());
            let answer = self.router.clone().oneshot(request).map(|answered| {
                let Ok(response) = answered;
                response.map(|body| CountedBody { body, _request: counted })
            });
            *current = CurrentRequest::UnderWay { answer: answer.boxed(), long_wait, version, keeps_alive };
        }
        Answering(Arc::clone(&self.current))
    }
}

/// The body of a request. It notes when nobody reads it to its end, for then bytes of it may still be on their way.
struct ReceivedBody {
    incoming: Incoming,
    activity: Activity,
    has_ended: bool,
}

impl ReceivedBody {
    const fn new(incoming: Incoming, activity: Activity) -> Self {
        Self { incoming, activity, has_ended: false }
    }
}

impl HttpBody for ReceivedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.incoming).poll_frame(cx);
        self.has_ended |= matches!(frame, Poll::Ready(None));
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for ReceivedBody {
    fn drop(&mut self) {
        if !self.has_ended && !self.incoming.is_end_stream() {
            self.activity.leave_unread();
        }
    }
}

/// The answer to the present request, as hyper waits for it.
pub(super) struct Answering(Arc<Mutex<CurrentRequest>>);

impl Future for Answering {
    type Output = Result<Response<CountedBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = match std::mem::replace(&mut *current, CurrentRequest::None) {
            CurrentRequest::Answered(answer) => *answer,
            CurrentRequest::UnderWay { mut answer, long_wait, version, keeps_alive } => match answer.poll_unpin(cx) {
                Poll::Ready(answer) => answer,
                Poll::Pending => {
                    *current = CurrentRequest::UnderWay { answer, long_wait, version, keeps_alive };
                    return Poll::Pending;
                }
            },
            // It was taken away, and hyper's connection with it.
            CurrentRequest::None => return Poll::Pending,
        };
        Poll::Ready(Ok(answer))
    }
}

/// The body of an answer, whose request is under way as long as it lasts.
pub(super) struct CountedBody {
    body: Body,
    _request: OneRequest,
}

impl HttpBody for CountedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
